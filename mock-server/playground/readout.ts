/** The table beside the result: what was read from the picture, next to what the server says of the same session. */

import type { SeenPicture } from "../../fixtures/browser/watch-strips.ts";
import type { describeSession } from "../control/describe-session.ts";
import type { MockServerOptions } from "../options.ts";
import { element } from "./_element.ts";
import type { SourceKind } from "./open-source.ts";
import { createPictureGauge } from "./picture-gauge.ts";

export type DescribedSession = ReturnType<typeof describeSession>;

const rows = ["revision", "prompt", "image", "pictures", "speed", "latency"] as const;
type Row = (typeof rows)[number];
const none = "–";

export function createReadout() {
  const gauge = createPictureGauge();
  const prompts = new Map<string, number | null>();
  let picture: SeenPicture | null = null;
  let session: DescribedSession | null = null;
  clear();

  function clear(): void {
    gauge.reset();
    picture = null;
    session = null;
    for (const row of rows) for (const side of ["picture", "server"] as const) show(row, side, none);
    agree();
    element("session").textContent = "";
  }

  /** Marks the rows in which both sides say the same. */
  function agree(): void {
    const output = picture?.output;
    const state = session?.state;
    const same: Partial<Record<Row, boolean>> = {
      revision: output?.revision === (state && state.revision & 0xfff),
      prompt: output?.promptHash === (state && hashOf(state.prompt)),
      image: output?.imageHash === (state && (state.image?.hash ?? 0)),
    };
    for (const [row, holds] of Object.entries(same)) {
      element(`row-${row}`).dataset.agree = output && state && holds ? "yes" : "";
    }
  }

  /** As the strip carries it; undefined until it is known, and where the browser has no SHA-256 (a page over plain http). */
  function hashOf(prompt: string | null): number | undefined {
    if (prompt === null) return 0;
    if (!prompts.has(prompt)) {
      prompts.set(prompt, null);
      crypto.subtle?.digest("SHA-256", new TextEncoder().encode(prompt)).then((digest) => {
        prompts.set(prompt, new DataView(digest).getUint16(0) || 1);
        agree();
      });
    }
    return prompts.get(prompt) ?? undefined;
  }

  return {
    clear,

    /** A picture that was shown; `ownClock` if its input strip was written by this page. */
    picture(seen: SeenPicture, ownClock: boolean): void {
      picture = seen;
      gauge.add(seen, ownClock);
      const { output, input } = seen;
      show("revision", "picture", output ? String(output.revision) : none);
      show("prompt", "picture", output ? hex(output.promptHash) : none);
      show("image", "picture", output ? hex(output.imageHash) : none);
      show(
        "pictures",
        "picture",
        output ? `no. ${output.outputCount}` : none,
        input ? `of frame ${input.frameId}` : "",
      );
      agree();
    },

    /** Brings fps and latency up to date, also when no picture comes. */
    rate(nowMs: number): ReturnType<typeof gauge.read> {
      const read = gauge.read(nowMs);
      const { fps, latencyMs } = read;
      show("speed", "picture", `${fps} fps`, picture ? `${picture.width}×${picture.height}` : "");
      show(
        "latency",
        "picture",
        latencyMs === null ? none : `${latencyMs} ms`,
        latencyMs === null ? "" : "glass to glass",
      );
      return read;
    },

    session(described: DescribedSession, ticks: number): void {
      session = described;
      const { id, phase, seconds, viewerCount, state, media } = described;
      show("revision", "server", String(state.revision));
      show("prompt", "server", state.prompt === null ? "none" : `“${state.prompt}”`);
      const { image } = state;
      show(
        "image",
        "server",
        image ? hex(image.hash) : "none",
        image ? `${image.width}×${image.height} ${image.mime.replace("image/", "")}` : "",
      );
      if (media) {
        const counts = media as typeof media & {
          picturesOut: number;
          dropped: number;
          bitsPerSecond: number;
        };
        show("pictures", "server", `${counts.picturesOut} out`, `${counts.dropped} dropped`);
        show(
          "speed",
          "server",
          media.codec.toUpperCase(),
          `${(counts.bitsPerSecond / 1e6).toFixed(1)} Mbit/s`,
        );
        const insideMs = media.residenceP50Ms;
        show(
          "latency",
          "server",
          insideMs === null ? none : `${Math.round(insideMs)} ms`,
          insideMs === null ? "" : "in the server",
        );
      }
      element("session").textContent =
        `Session ${id} · ${phase} · ${seconds} s · ${ticks} ticks heard` +
        (viewerCount ? ` · ${viewerCount} watching` : "");
      agree();
    },
  };
}

/** Why a picture may say nothing, or null. */
export function whyUnread(
  { mode, strips }: Pick<MockServerOptions, "mode" | "strips">,
  source: SourceKind,
): string | null {
  if (mode === "none") return "The server runs with --mode none: no pictures come back.";
  if (mode === "relay")
    return "The server runs with --mode relay: pictures come back as they went, unmarked.";
  if (!strips) return "The server runs with --no-strips: its pictures carry nothing to read.";
  if (source === "camera")
    return "A real camera puts no clock into its pictures, so glass-to-glass time cannot be read.";
  if (source === "file")
    return "A video file has no clock in its pictures, so glass-to-glass time cannot be read.";
  return null;
}

function show(row: Row, side: "picture" | "server", text: string, aside = ""): void {
  const cell = element<HTMLTableRowElement>(`row-${row}`).cells[side === "picture" ? 1 : 2]!;
  const shown = `${text}\n${aside}`;
  // Most of it does not change from picture to picture.
  if (cell.dataset.shown === shown) return;
  cell.dataset.shown = shown;
  cell.title = text.length > 16 ? text : "";
  cell.replaceChildren(text);
  if (aside) cell.append(Object.assign(document.createElement("small"), { textContent: aside }));
}

function hex(hash: number): string {
  return hash === 0 ? "none" : hash.toString(16).padStart(4, "0");
}
