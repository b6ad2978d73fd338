"""Versions of files, and the pairs that opposed an answer beside those that supported it."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ATTRIBUTIONS = sa.table("attributions", sa.column("id", sa.Text()), sa.column("result", sa.JSON()))
INFLUENCES = sa.table(
    "influences",
    sa.column("attribution_id", sa.Text()),
    sa.column("pair_id", sa.Text()),
    sa.column("file_id", sa.Text()),
    sa.column("file", sa.Text()),
    sa.column("line", sa.Integer()),
    sa.column("messages", sa.Text()),
    sa.column("level", sa.Text()),
    sa.column("share", sa.Float()),
    sa.column("side", sa.Text()),
)


def upgrade() -> None:
    """Apply."""

    # Plain ALTER TABLE: to build a table anew, as batches do, SQLite would have to drop one that others refer to.
    op.add_column("files", sa.Column("origin_file_id", sa.Text(), nullable=True))
    op.add_column("files", sa.Column("changes", sa.JSON(), nullable=True))
    op.create_index("ix_files_origin_file_id", "files", ["origin_file_id"], unique=False)
    op.add_column("influences", sa.Column("side", sa.Text(), nullable=False, server_default="supporting"))

    connection = op.get_bind()
    kept = connection.execute(sa.select(ATTRIBUTIONS.c.id, ATTRIBUTIONS.c.result)).all()
    for identity, result in kept:
        if rows := list(opposing(identity, result)):
            connection.execute(INFLUENCES.insert(), rows)


def downgrade() -> None:
    """Take back."""

    op.get_bind().execute(INFLUENCES.delete().where(INFLUENCES.c.side == "opposing"))
    op.drop_column("influences", "side")
    op.drop_index("ix_files_origin_file_id", "files")
    op.drop_column("files", "changes")
    op.drop_column("files", "origin_file_id")


def opposing(identity: str, result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of the pairs that opposed the answer of an attribution."""
    supporting = {pair["id"] for pair in result["results"]}
    for pair in {pair["id"]: pair for pair in result["opposing"]}.values():
        if pair["id"] not in supporting:
            names = ("file_id", "file", "line", "messages", "share")
            own = {"attribution_id": identity, "pair_id": pair["id"], "level": pair["influence_level"]}
            yield {**{name: pair[name] for name in names}, **own, "side": "opposing"}
