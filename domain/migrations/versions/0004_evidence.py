"""What the form and the phone say about a photo, beside what the file says itself."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0004'
down_revision: str | None = '0003'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column('file_listings', sa.Column('captured_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('file_listings', sa.Column('captured_lat', sa.Float(), nullable=True))
    op.add_column('file_listings', sa.Column('captured_lon', sa.Float(), nullable=True))
    op.add_column('file_listings', sa.Column('exif_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('file_listings', sa.Column('exif_lat', sa.Float(), nullable=True))
    op.add_column('file_listings', sa.Column('exif_lon', sa.Float(), nullable=True))
    op.add_column('file_listings', sa.Column('reused_from_id', sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f('fk_file_listings_reused_from_id'), 'file_listings', 'tickets', ['reused_from_id'], ['id'])
    op.create_check_constraint(op.f('ck_file_listings_captured_on_earth'), 'file_listings', "captured_lat BETWEEN -90 AND 90 AND captured_lon BETWEEN -180 AND 180")
    op.create_check_constraint(op.f('ck_file_listings_exif_on_earth'), 'file_listings', "exif_lat BETWEEN -90 AND 90 AND exif_lon BETWEEN -180 AND 180")


def downgrade() -> None:
    op.drop_constraint(op.f('ck_file_listings_exif_on_earth'), 'file_listings', type_='check')
    op.drop_constraint(op.f('ck_file_listings_captured_on_earth'), 'file_listings', type_='check')
    op.drop_constraint(op.f('fk_file_listings_reused_from_id'), 'file_listings', type_='foreignkey')
    op.drop_column('file_listings', 'reused_from_id')
    op.drop_column('file_listings', 'exif_lon')
    op.drop_column('file_listings', 'exif_lat')
    op.drop_column('file_listings', 'exif_at')
    op.drop_column('file_listings', 'captured_lon')
    op.drop_column('file_listings', 'captured_lat')
    op.drop_column('file_listings', 'captured_at')
