from django.db import migrations


def _enter_what_is_stored(apps, schema_editor):
    """From now on audio enters the ledger with its row; what was stored before is entered here."""
    asset = apps.get_model("episodes", "AudioAsset")
    entry = apps.get_model("billing", "UsageEntry")
    entry.objects.bulk_create(
        (
            entry(
                account_id=stored.account_id,
                kind="storage",
                reference=stored.storage_key,
                quantity=stored.bytes,
                occurred_at=stored.created_at,
            )
            for stored in asset.objects.order_by("pk").iterator()
        ),
        batch_size=500,
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0002_ledger_kinds'),
        ('episodes', '0002_audio_origin'),
    ]

    operations = [
        migrations.RunPython(_enter_what_is_stored, migrations.RunPython.noop, elidable=True),
    ]
