"""What a file is by its content; its name is only ever compared with that."""

from __future__ import annotations

READABLE = ("PNG", "JPEG", "TIFF")

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
    (0, b"II+\x00", "BigTIFF"),
    (0, b"MM\x00+", "BigTIFF"),
    (128, b"DICM", "DICOM"),
    (0, b"GIF8", "GIF"),
    (0, b"BM", "BMP"),
    (8, b"WEBP", "WebP"),
    (0, b"SIMPLE  =", "FITS"),
    (0, b"%!PS", "EPS"),
    (0, b"\xc5\xd0\xd3\xc6", "EPS"),
    (0, b"8BPS", "PSD"),
    (0, b"DDS ", "DDS"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"%PDF", "PDF"),
    (0, b"PK\x03\x04", "ZIP"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\x93NUMPY", "NumPy"),
    (0, b"PAR1", "Parquet"),
    (344, b"n+1\x00", "NIfTI"),
    (0, b"\x7fELF", "program"),
    (0, b"MZ", "program"),
)
_BY_SUFFIX = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".tif": "TIFF", ".tiff": "TIFF",
    ".dcm": "DICOM", ".dicom": "DICOM", ".gif": "GIF", ".bmp": "BMP", ".webp": "WebP", ".fits": "FITS",
    ".fit": "FITS",
    ".eps": "EPS", ".psd": "PSD", ".dds": "DDS", ".svg": "SVG", ".jp2": "JPEG 2000", ".j2k": "JPEG 2000",
    ".nii": "NIfTI", ".gz": "gzip", ".npy": "NumPy", ".npz": "ZIP", ".pdf": "PDF", ".zip": "ZIP",
}  # fmt: skip
IMAGE_SUFFIXES = frozenset(_BY_SUFFIX) - {".pdf", ".zip"}


def sniff(data: bytes) -> str:
    """The kind of a file from its first bytes: "PNG", "JPEG", "TIFF", another kind's name, "text" or
    "unknown"."""
    for offset, magic, kind in _MAGIC:
        if data[offset : offset + len(magic)] == magic:
            return kind
    head = data[:2048]
    text = _as_text(head)
    if text is None:
        return "unknown"
    lowered = text.lstrip("\ufeff \t\r\n").lower()
    if lowered.startswith(("<svg", "<?xml")) and "<svg" in lowered:
        return "SVG"
    return "HTML" if lowered.startswith(("<!doctype html", "<html")) else "text"


def kind_by_name(name: str) -> str | None:
    """The kind a file name claims, or `None` where the name claims nothing known."""
    stem, dot, suffix = name.replace("\\", "/").rpartition("/")[2].rpartition(".")
    return _BY_SUFFIX.get(f".{suffix.lower()}") if stem and dot else None


def _as_text(head: bytes) -> str | None:
    for cut in range(4):  # a multi-byte character may be cut at the end of the head
        try:
            text = head[: len(head) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return text if all(c.isprintable() or c in "\t\r\n\ufeff\f" for c in text) else None
    return None
