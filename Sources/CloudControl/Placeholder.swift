enum CloudControlPlaceholder {}
