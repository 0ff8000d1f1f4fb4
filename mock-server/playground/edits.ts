/** Prompt and image as they are sent: `set`, `setPrompt`, `setImage`, and what takes them away again. */
import { button } from "./_build.ts";
import { element } from "./_element.ts";
import { note, noteCall } from "./_log.ts";
import { connectedClient } from "./connection.ts";
import { type Edit, recordDeed } from "./deeds.ts";
import { newestHealth, pollHealth } from "./health.ts";
import {
  forgetImages,
  imageAt,
  kilobytes,
  type Picked,
  putImage,
  sayOfImage,
  startImages,
} from "./images.ts";
import type { Offer } from "./offer.ts";

const prompt = element<HTMLInputElement>("prompt");
const enhance = element<HTMLInputElement>("enhance");
const together = element<HTMLInputElement>("together");

export function startEdits(): void {
  startImages({ isConnected: () => connectedClient() !== null, picked: sendImage });
  element("edit").addEventListener("submit", (event) => {
    event.preventDefault();
    sendPrompt();
  });
  element("clear-prompt").addEventListener("click", clearPrompt);
  element("clear-image").addEventListener("click", clearImage);
  element("clear-all").addEventListener("click", clearAll);
  together.addEventListener("change", () => {
    if (!imageAt("staged")) return;
    putImage("staged", null);
    sayOfImage("");
  });
}

/** A button for each transform, which sends its name as the prompt. */
export function offerTransforms(transforms: Offer["transforms"]): void {
  element("chips").append(
    ...transforms.map(({ name, does }) =>
      button(
        name,
        () => {
          prompt.value = name;
          sendPrompt();
        },
        { title: does },
      ),
    ),
  );
}

async function sendPrompt(): Promise<void> {
  const client = connectedClient();
  const text = prompt.value;
  const options = { enhance: enhance.checked };
  if (!client) return;
  if (together.checked && client.set) return sendTogether(text, options);
  if (!text) {
    return void note("Write a prompt first: an SDK sends no empty one. Clear prompt takes it away.");
  }
  await act(`setPrompt("${text}")`, { kind: "setPrompt", prompt: text, ...options }, () =>
    client.setPrompt(text, options),
  );
}

async function sendTogether(text: string, options: { enhance: boolean }): Promise<void> {
  const client = connectedClient()!;
  const image = imageAt("staged");
  if (!text && !image) {
    return void note("Write a prompt, or pick an image, to have something to send.");
  }
  const named = [text && `prompt: "${text}"`, image && `image: ${image.name}`].filter(Boolean).join(", ");
  const failed = await act(
    `set({ ${named} })`,
    { kind: "set", ...(text && { prompt: text }), ...(image && { image }), ...options },
    () => client.set!({ ...(text && { prompt: text }), ...(image && { image: image.bytes }), ...options }),
  );
  if (image) sayOfImage(failed ?? `${image.name} is in force.`, failed !== null);
  if (failed !== null) return;
  if (image) putImage("in-force", image);
  else if (newestHealth()?.options.promptOnlySet === "clear") putImage("in-force", null);
  putImage("staged", null);
}

async function sendImage(image: Picked): Promise<void> {
  const client = connectedClient();
  if (!client) return;
  if (together.checked) {
    putImage("staged", image);
    return sayOfImage(`${image.name} goes with the next prompt.`);
  }
  const failed = await act(`setImage(${image.name})`, { kind: "setImage", image }, () =>
    client.setImage(image.bytes),
  );
  sayOfImage(failed ?? `${image.name}, ${kilobytes(image.byteLength)}`, failed !== null);
  // A refused image leaves the one before in force.
  if (failed === null) putImage("in-force", image);
}

async function clearImage(): Promise<void> {
  const client = connectedClient();
  if (!client) return;
  const edit = { kind: "setImage", image: null } as const;
  if ((await act("setImage(null)", edit, () => client.setImage(null))) === null) forgetImages();
}

/** SDKs have no call for the prompt alone: the image in force goes once more, and no prompt with it. */
async function clearPrompt(): Promise<void> {
  const client = connectedClient();
  if (!client) return;
  const image = imageAt("in-force");
  const options = { prompt: null };
  const failed = await act(
    `setImage(${image ? image.name : "null"}, { prompt: null })`,
    { kind: "setImage", image, ...options },
    () => client.setImage(image ? image.bytes : null, options),
  );
  if (failed === null) prompt.value = "";
}

async function clearAll(): Promise<void> {
  const client = connectedClient();
  if (!client) return;
  const options = { prompt: null };
  const edit = { kind: "setImage", image: null, ...options } as const;
  const failed = await act("setImage(null, { prompt: null })", edit, () => client.setImage(null, options));
  if (failed !== null) return;
  forgetImages();
  prompt.value = "";
}

/** Calls the SDK, and shows at once what the server makes of it; resolves with why it was refused, or null. */
async function act(name: string, edit: Edit, run: () => Promise<unknown>): Promise<string | null> {
  recordDeed(edit);
  const failed = await noteCall(name, run);
  pollHealth();
  return failed;
}
