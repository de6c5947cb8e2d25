enum CloudWorkerPlaceholder {}
