from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "tradingdesk"

    def ready(self) -> None:
        from feeds import accounting, anew, lists, pace, quarantine
        from markets.desk import inbox

        from . import celery, checks  # noqa: F401 (names the broker; registers the checks)

        inbox.register(
            inbox.Inbox(
                accounting=accounting.accounting,
                paces=lambda: {source_id: inbox.Pace(rate, lag) for source_id, rate, lag in pace.paces()},
                pending=lambda bookmaker_id: quarantine.pending(bookmaker_id=bookmaker_id),
                raw=quarantine.raw,
                retry=quarantine.retry,
                dismiss=quarantine.dismiss,
                begin_anew=anew.begin,
                lists=lambda: [inbox.ListRead(*row) for row in lists.states()],
            )
        )
