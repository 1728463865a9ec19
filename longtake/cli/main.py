"""The program `longtake`: the table of commands and the common flags.

Nothing heavy is imported here: `longtake --help` answers in under 0.3 s.
"""

from __future__ import annotations

import click

from longtake import __version__
from longtake.cli.group import Entry, RootGroup
from longtake.cli.session import common

WATCH, ASK, LOOK, KEEP, CARE = "Watch", "Ask", "Look", "Keep", "Care"

ENTRIES = (
    Entry("ingest", "ingest", "Watch videos: speech, screen text, sight. Resumable.", WATCH),
    Entry("watch", "watch", "Be told when something comes in a stream.", WATCH),
    Entry("status", "status", "Show how far a video has been watched.", WATCH),
    Entry("ask", "ask", "Answer a question, with the spans it rests on.", ASK),
    Entry("chat", "chat", "Ask one question after another about a video.", ASK),
    Entry(
        "why",
        "why",
        "Explain a past answer: what was searched, opened and found, and how sure.",
        ASK,
    ),
    Entry(
        "cost",
        "cost",
        "Show what each answer of a thread cost: searches, looks, frames, model calls.",
        ASK,
    ),
    Entry("search", "search", "Find moments; no language model.", ASK),
    Entry("locate", "locate", "Find the windows of a video that a description fits.", ASK),
    Entry("summarize", "summarize", "Sum up videos, a part, or what bears on a topic.", ASK),
    Entry("highlights", "highlights", "Pick the moments that stand out; cut lists too.", ASK),
    Entry("timeline", "timeline", "List chapters, scenes or clips.", LOOK),
    Entry("transcript", "transcript", "Print the words: txt, srt, vtt or json.", LOOK),
    Entry("show", "show", "Show what is known of one moment; save its frame.", LOOK),
    Entry("objects", "objects", "List things in the picture: which, where, when.", LOOK),
    Entry("clip", "clip", "Cut a span or a piece of evidence into a file.", LOOK),
    Entry("export", "export", "Write what is known of a video: html, md, json or vtt.", LOOK),
    Entry("videos", "videos", "List, show, relink or forget videos.", KEEP),
    Entry("mark", "mark", "Mark a moment to be kept for good; list or remove marks.", KEEP),
    Entry("forget", "forget", "Give up detail of a video: pictures first, text last.", KEEP),
    Entry("db", "db", "Check, repair or back up the library.", KEEP),
    Entry("kv", "kv", "Build, check or drop key–value memories of videos.", KEEP),
    Entry("models", "models", "List, fetch and verify model weights.", CARE),
    Entry("doctor", "doctor", "Check this machine, and say what mends it.", CARE),
    Entry("config", "config", "Show or change the configuration.", CARE),
    Entry("demo", "demo", "Watch a short built-in lecture and ask about it.", CARE),
    Entry("completion", "completion", "Print the completion script of a shell.", CARE),
)

HELP = """A memory for hours-long video: watch once, then ask.

\b
  longtake lecture.mp4 "when is the exam?"    watch if needed, then answer
  longtake ingest lecture.mp4                 watch; go on where it stopped
  longtake ask lecture.mp4 "what does the last slide say?"

VIDEO is a path, an id, or a unique part of a name. Times are 1:02:03.5, 62m or 3723.5.
Data goes to stdout, talk to stderr; --json prints one envelope.
"""


@click.group(
    cls=RootGroup,
    entries=ENTRIES,
    help=HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
    subcommand_metavar="COMMAND [ARGS]... | VIDEO QUESTION",
)
@click.version_option(__version__, message="longtake %(version)s")
@common(shown=True)
def cli() -> None:
    """Set up what every command shares."""
    from longtake.cli.session import current

    session = current()
    if not (session.verbose or session.debug):
        import logging
        import warnings

        warnings.filterwarnings("ignore")
        logging.getLogger().setLevel(logging.ERROR)
    elif session.verbose:
        import logging

        logging.basicConfig(level=logging.INFO if session.verbose == 1 else logging.DEBUG)


def main() -> None:
    """Run the program."""
    cli(prog_name="longtake")
