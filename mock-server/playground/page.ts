/**
 * The page at `/`: a person's client with a published SDK in it, camera left, result right. It speaks to the server that
 * served it and to nobody else. This file puts the parts together; each of them knows its own elements of index.html.
 */
import { element } from "./_element.ts";
import { note } from "./_log.ts";
import { chosen, offerChoices, offerFaultKeys } from "./choices.ts";
import { currentPhase, ownSession, realtimeUrl, startConnection } from "./connection.ts";
import { recordDeed } from "./deeds.ts";
import { offerTransforms, startEdits } from "./edits.ts";
import { pollHealth, watchHealth } from "./health.ts";
import { forgetImages, offerSamples } from "./images.ts";
import { offered } from "./offered.ts";
import { startResult } from "./result.ts";
import { sentenceOf } from "./sentence-of.ts";
import { showServer } from "./server/show-server.ts";
import { showDeeds, showSnippets } from "./show-code.ts";
import { previewSource, startSources } from "./source.ts";

showSnippets(location.origin, realtimeUrl);
showDeeds(location.origin, realtimeUrl);
startResult();
startSources({ isIdle, changed: preview });
startEdits();
startConnection({ phase: preview, session: forgetImages });
showServer({ did: recordDeed, ownSession, watch: watchHealth });
// A result that is still to come has room as large as the source.
for (const [name, place] of [
  ["source", document.querySelector("main")!],
  ["result", element("result").parentElement!],
] as const) {
  const video = element<HTMLVideoElement>(name);
  video.addEventListener("resize", () => {
    if (!video.videoWidth) return;
    place.style.setProperty("--ratio", `${video.videoWidth} / ${video.videoHeight}`);
  });
}
document.addEventListener("visibilitychange", preview);
addEventListener("pageshow", ({ persisted }) => persisted && preview());

await pollHealth();
await showOffer();
await offerFaultKeys();

function isIdle(): boolean {
  return currentPhase() === "idle";
}

/** Shows what would be sent, as long as nothing is. */
function preview(): void {
  const choice = chosen();
  if (isIdle() && choice) previewSource(choice.model);
}

async function showOffer(): Promise<void> {
  try {
    const { transforms, samples, sdks } = await offered;
    offerTransforms(transforms);
    offerSamples(samples);
    await offerChoices(sdks, preview);
  } catch (error) {
    note(sentenceOf(error), "bad");
  }
}
