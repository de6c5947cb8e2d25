enum CloudServerPlaceholder {}
