"""Small folders in the layouts of public sets: the published names of files and columns, made-up films and people."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FINDINGS = (
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum", "Fracture", "Lung Lesion",
    "Lung Opacity", "No Finding", "Pleural Effusion", "Pleural Other", "Pneumonia", "Pneumothorax", "Support Devices",
)  # fmt: skip
MILK = ("AKIEC", "BCC", "BEN_OTH", "BKL", "DF", "INF", "MAL_OTH", "MEL", "NV", "SCCKA", "VASC")
SECRET = "MARKER OF A PATIENT TEXT"


def picture(seed: int, colour: bool = False, side: int = 24) -> NDArray[np.uint8]:
    """A picture of noise, (side, side) or (side, side, 3); another seed gives another."""
    shape = (side, side, 3) if colour else (side, side)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, seed: int, colour: bool = False) -> Path:
    """Write a picture under any name, as JPEG or PNG by suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(seed, colour)).save(path)
    return path


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]], packed: bool = False) -> Path:
    """Write a table; `packed` adds .gz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if packed:
        path = path.with_name(f"{path.name}.gz")
        with gzip.open(path, "wt", newline="") as stream:
            csv.writer(stream).writerows([header, *rows])
        return path
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


def dicom_id(number: int) -> str:
    """A name in the form MIMIC gives its films."""
    return "-".join(f"{(number * 7919 + part * 104729) % 2**32:08x}" for part in range(5))


def mimic_film(root: Path, subject: int, study: int, number: int, make: bool = True) -> str:
    """A film at its published place; the path below the root."""
    name = f"files/p{str(subject)[:2]}/p{subject}/s{study}/{dicom_id(number)}.jpg"
    if make:
        save(root / name, number)
    return name


def mimic(root: Path, patients: int = 9, packed: bool = True) -> Path:
    """MIMIC-CXR-JPG: two studies a patient, each of a PA and a lateral film; one film is not on disk.

    Patient k: study 1 has Edema 1 and Fracture -1 (even k) or No Finding (odd k); study 2 has Pneumonia 1. Split:
    k mod 3 gives train, validate, test.
    """
    meta, split, labels = [], [], []
    for k in range(patients):
        subject = 10000000 + k
        for n in (1, 2):
            study = 50000000 + 10 * k + n
            row = dict.fromkeys(FINDINGS, "")
            if n == 2:
                row |= {"Pneumonia": "1.0", "Edema": "0.0"}
            else:
                row |= {"Edema": "1.0", "Fracture": "-1.0"} if k % 2 == 0 else {"No Finding": "1.0"}
            labels.append([subject, study, *row.values()])
            report = root / f"mimic-cxr-reports/files/p10/p{subject}/s{study}.txt"
            report.parent.mkdir(parents=True, exist_ok=True)
            report.write_text(
                f"FINAL REPORT\n INDICATION: x\n\n FINDINGS:  {SECRET} {study}\n seen.\n\n IMPRESSION: Calm.\n"
            )
            for place, view in enumerate(("PA", "LATERAL")):
                number = 100 * k + 10 * n + place
                missing = (k, n, view) == (0, 2, "LATERAL")
                mimic_film(root, subject, study, number, make=not missing)
                about = ["CHEST (PA AND LAT)", view, 24, 24, 21800506, 213014.5, "a", "b", "c"]
                meta.append([dicom_id(number), subject, study, *about])
                split.append([dicom_id(number), study, subject, ("train", "validate", "test")[k % 3]])
    head = (
        "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,StudyDate,"
    )
    head += "StudyTime,ProcedureCodeSequence_CodeMeaning,ViewCodeSequence_CodeMeaning,"
    head += "PatientOrientationCodeSequence_CodeMeaning"
    write_csv(root / "mimic-cxr-2.0.0-metadata.csv", head.split(","), meta, packed)
    write_csv(
        root / "mimic-cxr-2.0.0-split.csv", ("dicom_id", "study_id", "subject_id", "split"), split, packed
    )
    write_csv(root / "mimic-cxr-2.0.0-chexpert.csv", ("subject_id", "study_id", *FINDINGS), labels, packed)
    return root


def nih(root: Path, patients: int = 10, lists: bool = True, boxes: bool = True) -> Path:
    """NIH ChestX-ray14: two films a patient in two image folders; patients 0..5 in the training list."""
    head = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    head += "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
    rows, trained, tested = [], [], []
    for k in range(patients):
        for n in range(2):
            name = f"{k:08d}_{n:03d}.png"
            save(root / f"images_{n + 1:03d}/images/{name}", 10 * k + n)
            finding = ("No Finding", "Mass|Nodule", "Effusion")[k % 3]
            rows.append(
                [name, finding, n, k, f"{40 + k:03d}Y", "MF"[k % 2], "PA", 2682, 2749, 0.143, 0.143, ""]
            )
            (trained if k < 6 else tested).append(name)
    write_csv(root / "Data_Entry_2017.csv", head.split(","), rows)
    if lists:
        (root / "train_val_list.txt").write_text("\n".join(trained))
        (root / "test_list.txt").write_text("\n".join(tested) + "\n")
    if boxes:
        write_csv(
            root / "BBox_List_2017.csv",
            ("Image Index", "Finding Label", "Bbox [x", "y", "w", "h]", "", "", ""),
            [["00000001_000.png", "Mass", 225.084745762, 547.01921676, 86.7796610169, 79.1864406, "", "", ""]],
        )  # fmt: skip
    return root


def ham10000(root: Path, lesions: int = 14, suffix: str = ".csv") -> Path:
    """HAM10000: two images a lesion over the two image folders, the seven classes in turn."""
    classes = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
    rows = []
    for k in range(lesions):
        for n in range(2):
            name = f"ISIC_{24000 + 2 * k + n:07d}"
            save(root / f"HAM10000_images_part_{n + 1}/{name}.jpg", 500 + 2 * k + n, colour=True)
            rows.append([f"HAM_{k:07d}", name, classes[k % 7], "histo", 55.0, "male", "back", "vidir_modern"])
    write_csv(
        root / f"HAM10000_metadata{suffix}",
        ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization", "dataset"),
        rows,
    )
    return root


def milk10k(root: Path, lesions: int = 22) -> Path:
    """MILK10k: a close-up and a dermoscopic picture a lesion, the eleven classes in turn."""
    meta, truth = [], []
    head = "lesion_id,image_type,isic_id,attribution,copyright_license,image_manipulation,age_approx,sex,"
    head += "skin_tone_class,site,MONET_hair"
    for k in range(lesions):
        lesion = f"IL_{k:07d}"
        for n, kind in enumerate(("clinical: close-up", "dermoscopic")):
            name = f"ISIC_{70000 + 2 * k + n:07d}"
            save(root / f"MILK10k_Training_Input/{lesion}/{name}.jpg", 900 + 2 * k + n, colour=True)
            meta.append([lesion, kind, name, "x", "CC-BY-NC", "altered", 60, "female", 3, "trunk", 0.1])
        truth.append([lesion, *(float(name == MILK[k % 11]) for name in MILK)])
    write_csv(root / "MILK10k_Training_Metadata.csv", head.split(","), meta)
    write_csv(root / "MILK10k_Training_GroundTruth.csv", ("lesion_id", *MILK), truth)
    return root


def isic2019(root: Path, images: int = 16) -> Path:
    """ISIC 2019: one column a class, metadata with lesion ids, two images a lesion."""
    classes = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK")
    truth, meta = [], []
    for k in range(images):
        name = f"ISIC_{k:07d}{'_downsampled' if k % 2 else ''}"
        save(root / f"ISIC_2019_Training_Input/{name}.jpg", 1300 + k, colour=True)
        truth.append([name, *(float(one == classes[(k // 2) % 8]) for one in classes)])
        meta.append([name, 55.0, "anterior torso", f"BCN_{k // 2:07d}", "female"])
    write_csv(root / "ISIC_2019_Training_GroundTruth.csv", ("image", *classes), truth)
    write_csv(
        root / "ISIC_2019_Training_Metadata.csv",
        ("image", "age_approx", "anatom_site_general", "lesion_id", "sex"),
        meta,
    )
    return root


def isic2018(root: Path, images: int = 8) -> Path:
    """ISIC 2018, task 3: training and validation ground truths in folders of their own, lesion groups beside."""
    classes = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")
    groups = []
    for part, start in (("Training", 0), ("Validation", images)):
        rows = []
        for k in range(start, start + images):
            name = f"ISIC_{30000 + k:07d}"
            save(root / f"ISIC2018_Task3_{part}_Input/{name}.jpg", 1500 + k, colour=True)
            rows.append([name, *(float(one == classes[k % 7]) for one in classes)])
            if part == "Training":
                groups.append([name, f"HAM_{k // 2:07d}", "histopathology"])
        folder = root / f"ISIC2018_Task3_{part}_GroundTruth"
        write_csv(folder / f"ISIC2018_Task3_{part}_GroundTruth.csv", ("image", *classes), rows)
    write_csv(
        root / "ISIC2018_Task3_Training_LesionGroupings.csv",
        ("image", "lesion_id", "diagnosis_confirm_type"),
        groups,
    )
    return root


def isic2020(root: Path, images: int = 12) -> Path:
    """ISIC 2020, second version: patient and lesion ids, benign or malignant."""
    head = "image_name,patient_id,lesion_id,sex,age_approx,anatom_site_general_challenge,diagnosis,"
    head += "benign_malignant,target"
    rows = []
    for k in range(images):
        name, bad = f"ISIC_{60000 + k:07d}", k % 4 == 0
        save(root / f"train/{name}.jpg", 1700 + k, colour=True)
        rows.append([
            name, f"IP_{k // 3:07d}", f"IL_{k:07d}", "male", 45.0, "torso", "melanoma" if bad else "nevus",
            "malignant" if bad else "benign", int(bad),
        ])  # fmt: skip
    write_csv(root / "ISIC_2020_Training_GroundTruth_v2.csv", head.split(","), rows)
    return root


def isic2024(root: Path, images: int = 12) -> Path:
    """ISIC 2024: crops with target, patient and a licence of each image."""
    head = "isic_id,target,patient_id,age_approx,sex,anatom_site_general,clin_size_long_diam_mm,image_type,"
    head += "attribution,copyright_license,lesion_id,iddx_full"
    rows = []
    for k in range(images):
        name = f"ISIC_{80000 + k:07d}"
        save(root / f"train-image/image/{name}.jpg", 1900 + k, colour=True)
        rows.append([
            name, k % 2, f"IP_{k // 3:07d}", 60.0, "male", "head/neck", 3.04, "TBP tile: close-up", "x",
            ("CC-0", "CC-BY-NC")[k % 2], "", "Benign",
        ])  # fmt: skip
    write_csv(root / "train-metadata.csv", head.split(","), rows)
    return root


def findings_text(**positive: int) -> str:
    """A dictionary of the 14 findings as CheXGenBench writes it: Python, None for not mentioned."""
    values = {name: positive.get(name.replace(" ", "_")) for name in FINDINGS}
    return repr(values)


def annotations(root: Path, patients: int = 6) -> Path:
    """CheXGenBench's real side: training and test tables of LLaVA-Rad annotations over MIMIC films."""
    head = ("id", "path", "generate_method", "reason", "impression", "indication", "history", "view", "orientation",
            "chexpert_labels", "conversations", "annotated_prompt", "patientID")  # fmt: skip
    for part, start in (("TRAIN", 0), ("TEST", patients)):
        rows = []
        for k in range(start, start + patients):
            subject = 11000000 + k
            path = mimic_film(root, subject, 51000000 + k, 5000 + k, make=k != 1)
            labels = findings_text(Edema=1, Pneumothorax=-1) if k % 2 else findings_text(No_Finding=1)
            rows.append(
                [k, path, "gpt4", "x", "Calm.", "", "", "PA", "", labels, "[]", f"{SECRET} {k}", subject]
            )
        write_csv(root / f"LLAVARAD_ANNOTATIONS_{part}.csv", head, rows)
    return root


DIALECTS = ("prompt", "annotated_prompt", "generations_with_metadata")


def generated(root: Path, dialect: str, images: int = 6) -> Path:
    """Generated images with one of CheXGenBench's three tables; the third image is named and not there."""
    rows = []
    for k in range(images):
        name = f"{dicom_id(9000 + k)}_{k}.png"
        if k != 2:
            save(root / f"images/{name}", 9000 + k)
        rows.append((name, f"Edema number {k}.", findings_text(Edema=1)))
    if dialect == "prompt":
        write_csv(root / "prompts_INFO.csv", ("prompt", "img_savename"), [(p, n) for n, p, _ in rows])
    elif dialect == "annotated_prompt":
        write_csv(root / "samples.csv", ("annotated_prompt", "img_savename"), [(p, n) for n, p, _ in rows])
    else:
        write_csv(
            root / "generations_with_metadata.csv",
            ("id", "path", "annotated_prompt", "patientID", "synthetic_filename"),
            [(k, f"files/{n}", p, 12000000 + k, n) for k, (n, p, _) in enumerate(rows)],
        )
    return root


def synthchex(path: Path, version: int, images: int = 5, group: int = 2) -> Path:
    """Rows of SynthCheX-75K: version 1 holds PNG bytes and a record of labels, version 2 the pixels as lists."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [f"{dicom_id(9500 + k)}.png" for k in range(images)]
    if version == 1:
        cells = [{"bytes": png(picture(9500 + k)), "path": names[k]} for k in range(images)]
        labels = [{name: int(name == "Edema") for name in FINDINGS} for _ in range(images)]
        table = pa.table({
            "image": pa.array(cells, pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            "filename": names, "prompt": [f"Edema number {k}." for k in range(images)], "labels_dict": labels,
        })  # fmt: skip
    else:
        kind = pa.list_(pa.list_(pa.list_(pa.uint8())))
        pixels = [picture(9500 + k, colour=True).tolist() for k in range(images)]
        table = pa.table(
            {"image_filename": names, "label": ["Edema"] * images, "image": pa.array(pixels, kind)}
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=group)
    return path


def hub_shards(root: Path, rows: int = 6) -> Path:
    """A data set as hubs hand it out: train and test shards, pictures as records, class names in the schema."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    features = {
        "image": {"_type": "Image"}, "label": {"names": ["benign", "malignant"], "_type": "ClassLabel"},
        "patient_id": {"dtype": "string", "_type": "Value"},
    }  # fmt: skip
    notes = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    for split, start in (("train", 0), ("test", 100)):
        for shard in range(2):
            first = start + shard * rows
            cells = [
                {"bytes": png(picture(3000 + k)), "path": f"x{k}.png"} for k in range(first, first + rows)
            ]
            table = pa.table({
                "image": pa.array(cells, pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
                "label": pa.array([k % 2 for k in range(rows)], pa.int64()),
                "patient_id": [f"{split}{(first + k) // 2}" for k in range(rows)],
            })  # fmt: skip
            path = root / f"data/{split}-{shard:05d}-of-00002.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table.replace_schema_metadata(notes), path, row_group_size=4)
    return root


def png(array: NDArray[np.uint8]) -> bytes:
    """The bytes of a PNG."""
    from lab.data.pixels import encode_png

    return encode_png(array)
