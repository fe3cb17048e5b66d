"""``croissant.json``: what machines read of a data set (MLCommons Croissant 1.0 with its RAI part).

Search engines, Hugging Face, Kaggle and OpenML read this format; ``mlcroissant`` loads from it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from augment.schema import Labels, balanced_schema
from augment.shards import write_json

#: As the format's specification gives it; without it the keys below mean nothing.
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{
        name: f"cr:{name}"
        for name in (
            "citeAs", "column", "extract", "equivalentProperty", "field", "fileObject",
            "fileProperty", "fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key",
            "md5", "parentField", "path", "recordSet", "references", "regex", "repeated", "replace",
            "samplingRate", "separator", "source", "subField", "transform",
        )
    },
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
}  # fmt: skip
_PARQUET = "application/x-parquet"
_DESCRIPTIONS = {
    "image": "The aligned face, JPEG.",
    "id": "Unique in the data set; joins manifest.parquet.",
    "age": "Years, where known.",
    "synthetic": "Whether the face was made.",
    "generator": "What made it; empty for a real face.",
    "digital_source_type": "IPTC's term for a made picture; empty for a real face.",
    "parents": "Ids of the real train faces that it was made from.",
    "person": "Whose face it is, where the source says so.",
    "licence": "Of the face, or of all its parents.",
}


def write_croissant(
    path: Path, title: str, manifest: pa.Table, content: Mapping[str, Any], limits: Sequence[str]
) -> None:
    """Write ``croissant.json`` of a balanced data set.

    Args:
        path: where to.
        title: what the data set is called.
        manifest: its rows.
        content: its manifest.json.
        limits: what is known to be weak about it, a sentence each.
    """
    splits = [name for name, split in content["splits"].items() if split["rows"]]
    labels = Labels.of(manifest.schema)
    write_json(
        path,
        {
            "@context": _CONTEXT,
            "@type": "sc:Dataset",
            "conformsTo": [
                "http://mlcommons.org/croissant/1.0",
                "http://mlcommons.org/croissant/RAI/1.0",
            ],
            "name": title,
            "description": _description(content),
            "license": _words(manifest, "licence"),
            "version": f"{content['schema_version']}.0.0",
            "distribution": [_manifest_file(), *(_file_set(split) for split in splits)],
            "recordSet": [_records(split, labels) for split in splits],
            **_provenance(manifest, content),
            **_responsible(content, limits),
        },
    )


def _description(content: Mapping[str, Any]) -> str:
    train = content["splits"]["train"]
    return (
        f"Aligned faces. The train split holds {train['real']} real and {train['synthetic']} "
        "synthetic faces, made where groups were small; validation and test are real. "
        "Labels are as labelled or apparent."
    )


def _manifest_file() -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": "manifest",
        "description": "A row a face, without its pixels: its whole origin.",
        "encodingFormat": _PARQUET,
        "includes": "manifest.parquet",
    }


def _file_set(split: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{split}-files",
        "encodingFormat": _PARQUET,
        "includes": f"data/{split}-*.parquet",
    }


def _records(split: str, labels: Labels) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "key": {"@id": f"{split}/id"},
        "field": [_field(split, field, labels) for field in balanced_schema(labels)],
    }


def _field(split: str, field: pa.Field, labels: Labels) -> dict[str, Any]:
    source: dict[str, Any] = {
        "fileSet": {"@id": f"{split}-files"},
        "extract": {"column": field.name},
    }
    if field.name == "image":
        source["transform"] = {"jsonPath": "bytes"}
    made = {
        "@type": "cr:Field",
        "@id": f"{split}/{field.name}",
        "name": field.name,
        "description": _DESCRIPTIONS.get(
            field.name, f"{field.name}, as labelled or apparent; 'unknown' is a value."
        ),
        "dataType": _data_type(field),
        "source": source,
    }
    return made | ({"repeated": True} if pa.types.is_list(field.type) else {})


def _data_type(field: pa.Field) -> str:
    if field.name == "image":
        return "sc:ImageObject"
    if pa.types.is_boolean(field.type):
        return "sc:Boolean"
    return "sc:Float" if pa.types.is_floating(field.type) else "sc:Text"


def _provenance(manifest: pa.Table, content: Mapping[str, Any]) -> dict[str, Any]:
    real = manifest.filter(pc.invert(manifest.column("synthetic")))
    counts = Counter(real.column("source").to_pylist())
    made = content["made_by"]
    return {
        "prov:wasDerivedFrom": [
            {
                "@type": "sc:Dataset",
                "name": source,
                "license": _words(real.filter(pc.equal(real.column("source"), source)), "licence"),
                "description": f"{n} real faces, before any was made",
            }
            for source, n in sorted(counts.items())
        ],
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "name": f"augment {made['augment']}",
            "description": f"code {made['source_sha256']}; parameters in manifest.json",
        },
    }


def _responsible(content: Mapping[str, Any], limits: Sequence[str]) -> dict[str, Any]:
    generators = ", ".join(f"{key} ({n})" for key, n in content["generators"].items() if n)
    axes = " x ".join(axis["name"] for axis in content["bin_space"])
    below = content["bins_below_target"]
    return {
        "rai:dataCollection": "Photos of the sources named in prov:wasDerivedFrom, as shipped.",
        "rai:dataPreprocessingProtocol": [
            "Faces were found and aligned to one crop; rows that failed keep their reason.",
            f"{content['rows']['in']} rows came in, {content['rows']['set_aside']} were set aside.",
        ],
        "rai:dataManipulationProtocol": (
            f"Synthetic train faces by generator: {generators or 'none'}. Every candidate passed "
            "the checks that manifest.parquet lists with score and threshold."
        ),
        "rai:dataAnnotationProtocol": (
            "Labels come from the sources; manifest.parquet's label_origin says given, assumed, "
            "measured, predicted or ordered, for each."
        ),
        "rai:dataBiases": (
            f"Bins: {axes}. Evenness {content['evenness']['before']} before, "
            f"{content['evenness']['after']} after; {below['after']} of {below['bins']} bins are "
            "below their target."
        ),
        "rai:dataLimitations": list(limits),
        "rai:personalSensitiveInformation": "Faces; gender, age and ethnicity as labelled.",
        "rai:dataUseCases": [
            "Training and testing face models that are meant to work for everybody.",
            "Not for identifying people, nor for deciding about them.",
        ],
    }


def _words(rows: pa.Table, column: str) -> list[str]:
    return sorted(word for word in pc.unique(rows.column(column)).to_pylist() if word)
