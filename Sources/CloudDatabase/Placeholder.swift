enum CloudDatabasePlaceholder {}
