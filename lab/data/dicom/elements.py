"""The only elements of a DICOM file that are ever parsed; everything else is passed over unread."""

from __future__ import annotations

PIXEL_ELEMENTS = (
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "PixelSpacing", "ImagerPixelSpacing", "SliceThickness",
    "RescaleIntercept", "RescaleSlope", "RescaleType", "ModalityLUTSequence",
    "WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence",
    "RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData",
    "SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData",
    "SegmentedBluePaletteColorLookupTableData", "PaletteColorLookupTableUID",
    "ExtendedOffsetTable", "ExtendedOffsetTableLengths",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
)  # fmt: skip
"""What pixels need in order to be shown."""

FACT_ELEMENTS = (
    "SpecificCharacterSet", "SOPClassUID", "StudyInstanceUID", "PatientID", "Modality", "Manufacturer",
    "BodyPartExamined", "ViewPosition", "Laterality", "ImageLaterality", "PatientSex", "PatientAge",
    "PatientBirthDate", "StudyDate", "BurnedInAnnotation",
)  # fmt: skip
"""What is turned into columns (`lab.data.dicom.facts`): into words of fixed lists, numbers and keyed hashes."""

PLAN_ELEMENTS = ("NumberOfFrames", "Rows", "Columns", "PhotometricInterpretation")
"""What the plan of an import needs beside the facts."""
