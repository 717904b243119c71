"""Tables of work in progress: UWS jobs and uploads in parts."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from vospace_server.database.columns import UtcTime, metadata

job = Table(
    "job",
    metadata,
    # Random, not to be guessed.
    Column("id", Text, primary_key=True),
    # Which list it belongs to: 'transfer', 'synctrans', 'delete', 'setprops', 'package', ...
    Column("kind", Text, nullable=False),
    # app_user.id; 0: nobody was logged in.
    Column("owner_id", BigInteger, nullable=False),
    Column("owner_name", Text, nullable=False),
    # A UWS phase, in capitals.
    Column("phase", Text, nullable=False),
    Column("run_id", Text),
    # What is to be done, as JSON of the kind's own shape; '' if there are only parameters.
    Column("request", Text, nullable=False),
    # The transfer document as it came (jobInfo); '' if none.
    Column("document", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    # null: never destroyed by itself.
    Column("destruction_at", UtcTime),
    # 0: no limit (UWS).
    Column("execution_seconds", Integer, nullable=False),
    Column("quote_at", UtcTime),
    # Fault name, text of errorSummary, body of /error; null: no error.
    Column("error_fault", Text),
    Column("error_message", Text),
    Column("error_detail", Text),
    # From 0 to 1; null: not known.
    Column("progress", Float),
    # Where to go on after an interruption, as JSON of the kind's own shape; null: at the start.
    Column("cursor", Text),
    # The process that works on it, and until when it is believed to; null: none.
    Column("worker", Text),
    Column("worker_until", UtcTime),
    Column("abort_requested_at", UtcTime),
    # Counts every change, from 1.
    Column("version", BigInteger, nullable=False),
    Index("job_by_owner", "owner_id", "created_at"),
    Index("job_by_phase", "phase", "created_at"),
    # Whose turn it is among those that wait (JobRepository.next_queued).
    Index("job_by_turn", "phase", "kind", "owner_id", "created_at"),
    Index("job_by_destruction", "destruction_at"),
)

job_parameter = Table(
    "job_parameter",
    metadata,
    Column("job_id", Text, ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    # From 0, in the order given; names may repeat (TARGET).
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
)

job_result = Table(
    "job_result",
    metadata,
    Column("job_id", Text, ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("result_id", Text, nullable=False),
    Column("href", Text, nullable=False),
    Column("media_type", Text),
    Column("size", BigInteger),
    UniqueConstraint("job_id", "result_id", name="job_result_by_id"),
)

# Which nodes the jobs of somebody's are about, to be found by node. Direct transfers, which
# end with the request that made them, and jobs of nobody's have no rows.
job_place = Table(
    "job_place",
    metadata,
    # job.owner_id.
    Column("owner_id", BigInteger, primary_key=True, autoincrement=False),
    # The digest of a URI, which may be longer than an index takes.
    Column("place", Text, primary_key=True),
    Column("job_id", Text, ForeignKey("job.id", ondelete="CASCADE"), primary_key=True),
    Index("job_place_by_job", "job_id"),
    sqlite_with_rowid=False,
)

# An upload that takes several requests (PUT transactions).
upload = Table(
    "upload",
    metadata,
    # Random, not to be guessed.
    Column("id", Text, primary_key=True),
    Column("owner_id", BigInteger, nullable=False),
    Column("path", Text, nullable=False),
    # 'open', 'committing', 'committed', 'abandoned'.
    Column("state", Text, nullable=False),
    # null: not announced.
    Column("declared_length", BigInteger),
    Column("declared_md5", Text),
    Column("received_bytes", BigInteger, nullable=False),
    # As the headers of the first request state them; null: not stated.
    Column("media_type", Text),
    Column("encoding", Text),
    Column("reservation_id", Text),
    # The content it is to become; its blob is there from the start.
    Column("content_id", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("upload_by_expiry", "expires_at"),
)

upload_part = Table(
    "upload_part",
    metadata,
    Column("upload_id", Text, ForeignKey("upload.id", ondelete="CASCADE"), primary_key=True),
    # From 0, without gaps.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("object_key", Text, nullable=False, unique=True),
    Column("length", BigInteger, nullable=False),
    Column("md5", Text, nullable=False),
    Column("stored_at", UtcTime, nullable=False),
)
