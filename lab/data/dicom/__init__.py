"""DICOM from anywhere: checked before it is parsed, shown as radiology expects, stripped of whom it shows."""
