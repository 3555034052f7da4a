"""Makes the demo recording: 36 s of a slow movement for string quartet by Mozart, played by four instruments.

    python resources/demo/render.py SCORES_FOLDER SOUNDFONT

``SCORES_FOLDER`` holds the OpenScore string quartets (CC0) as MIDI, ``SOUNDFONT`` is MuseScore General
(MIT). Each part is rendered alone by fluidsynth with the same room, written as 16-bit FLAC, and the
mixture is the exact sum of the four: so the stems beside it are its true stems, and a score against
them is a score of quality. Needs fluidsynth, and ``pip install ripieno[data]`` for mido.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import mido
import numpy as np
import soundfile as sf

SCORE = "mozart_sq7078259.mid"
SAMPLE_RATE = 44100
SECONDS = 36.0
FADE_SECONDS = 2.0
BEATS_A_MINUTE = 50
# Instrument, General MIDI program, level (controller 7), for the score's four parts from the top down.
PLAYERS = (("violin", 40, 88), ("clarinet", 71, 84), ("viola", 41, 100), ("bassoon", 70, 92))
PEAK = 0.8


def play(track: mido.MidiTrack, ticks_per_beat: int, program: int, level: int, seed: int) -> mido.MidiFile:
    """One part as a MIDI file of its own: its notes with a player's unevenness in time and strength."""
    rng = np.random.default_rng(seed)
    events: list[tuple[float, mido.Message]] = []
    now, phrase = 0, 0.0
    started: dict[int, float] = {}
    for message in track:
        now += message.time
        if message.type not in ("note_on", "note_off"):
            continue
        time = now + rng.normal(0.0, 0.008) * ticks_per_beat
        if message.type == "note_on" and message.velocity > 0:
            phrase = 0.9 * phrase + rng.normal(0.0, 3.0)
            velocity = int(np.clip(84 + 10 * np.sin(now / ticks_per_beat / 8 * 2 * np.pi) + phrase, 50, 115))
            started[message.note] = max(time, 0.0)
            events.append((started[message.note], message.copy(velocity=velocity, channel=0, time=0)))
        elif message.note in started:
            end = max(time - 0.02 * ticks_per_beat, started.pop(message.note) + 0.05 * ticks_per_beat)
            events.append((end, mido.Message("note_off", note=message.note, channel=0)))
    events.sort(key=lambda event: event[0])
    out = mido.MidiTrack(
        [
            mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(BEATS_A_MINUTE)),
            mido.Message("program_change", program=program),
            mido.Message("control_change", control=7, value=level),
            mido.Message("control_change", control=91, value=28),
        ]
    )
    last = 0
    for time, message in events:
        tick = round(time)
        out.append(message.copy(time=tick - last))
        last = tick
    return mido.MidiFile(ticks_per_beat=ticks_per_beat, tracks=[out])


def render(midi: mido.MidiFile, soundfont: Path, folder: Path) -> np.ndarray:
    """The part as mono audio ``(frames,)``, ``SECONDS`` long, with a small room and a fade at the end.

    Mono, because four stereo stems would weigh twice the six megabytes that the demo may.
    """
    score, sound = folder / "part.mid", folder / "part.wav"
    midi.save(score)
    command = ["fluidsynth", "-ni", "-g", "0.5", "-r", str(SAMPLE_RATE), "-R", "1", "-C", "0", "-O", "float"]
    room = [
        "-o",
        "synth.reverb.room-size=0.45",
        "-o",
        "synth.reverb.level=0.5",
        "-o",
        "synth.reverb.damp=0.4",
    ]
    subprocess.run(
        [*command, *room, "-F", str(sound), str(soundfont), str(score)], check=True, capture_output=True
    )
    audio = sf.read(sound, dtype="float64", always_2d=True)[0].mean(axis=1)
    frames = int(SECONDS * SAMPLE_RATE)
    audio = np.pad(audio, (0, max(0, frames - len(audio))))[:frames]
    fade = int(FADE_SECONDS * SAMPLE_RATE)
    audio[-fade:] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
    return audio


def main() -> None:
    """Render the four parts, scale them together, and write stems and mixture beside this script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scores", type=Path)
    parser.add_argument("soundfont", type=Path)
    arguments = parser.parse_args()
    score = mido.MidiFile(arguments.scores / SCORE)
    stems = {}
    with tempfile.TemporaryDirectory() as scratch:
        for seed, (track, (name, program, level)) in enumerate(zip(score.tracks, PLAYERS, strict=True)):
            midi = play(track, score.ticks_per_beat, program, level, seed)
            stems[name] = render(midi, arguments.soundfont, Path(scratch))
    scale = PEAK / np.abs(sum(stems.values())).max() * 32767
    written = {name: np.round(audio * scale).astype(np.int16) for name, audio in stems.items()}
    written["mix"] = np.sum([s.astype(np.int32) for s in written.values()], axis=0).astype(np.int16)
    for name, audio in written.items():
        path = Path(__file__).with_name(f"{name}.flac")
        sf.write(path, audio, SAMPLE_RATE, subtype="PCM_16", format="FLAC", compression_level=1.0)
        print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, peak {np.abs(audio).max() / 32767:.2f}")


if __name__ == "__main__":
    main()
