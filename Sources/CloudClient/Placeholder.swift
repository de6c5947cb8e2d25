enum CloudClientPlaceholder {}
