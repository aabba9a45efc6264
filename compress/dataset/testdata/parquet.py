"""Writes the files beside it: what the Hugging Face hub's exports look like, and a picture in WebP."""

import io
import json
import pathlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

here = pathlib.Path(__file__).parent


def png(i):
    b = io.BytesIO()
    Image.fromarray(np.full((2, 2), 10 * i, np.uint8)).save(b, "PNG")
    return b.getvalue()


features = {"image": {"_type": "Image"}, "label": {"names": ["a", "b", "c", "d"], "_type": "ClassLabel"}}
table = pa.table(
    {
        "image": pa.array(
            [{"bytes": png(i), "path": None} for i in range(10)],
            pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
        ),
        "label": pa.array([i % 3 for i in range(10)], pa.int64()),
    }
).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
pq.write_table(table, here / "hub.parquet", row_group_size=4, compression="zstd")

frame = pd.DataFrame(
    {
        "tokens": [[i, i + 1, i + 2] for i in range(5)],
        "pixels": [[[i, 2 * i], [3 * i, 255]] for i in range(5)],
        "a": np.arange(5, dtype=np.float32) / 2,
        "b": np.arange(5, dtype=np.int8) - 2,
        "target": np.arange(5) * 0.5,
    }
)
schema = pa.schema(
    [
        ("tokens", pa.list_(pa.int64())),
        ("pixels", pa.list_(pa.list_(pa.uint8()))),
        ("a", pa.float32()),
        ("b", pa.int8()),
        ("target", pa.float64()),
    ]
)
pq.write_table(pa.Table.from_pandas(frame, schema), here / "lists.parquet", row_group_size=2, compression="snappy")

Image.fromarray(np.full((2, 3, 3), [255, 0, 0], np.uint8)).save(here / "red.webp", lossless=True)
