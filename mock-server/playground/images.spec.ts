import { readFile } from "node:fs/promises";
import type { Locator } from "@playwright/test";
import { imageHash, promptHash } from "../../fixtures/hashes.ts";
import { readImage } from "../../fixtures/images.ts";
import { FILE_BYTES_MAX } from "../../protocol/index.ts";
import { expect, journalLine, test } from "../browser/lucy-test.ts";
import type { MockServer } from "../server.ts";
import { choose, connect, disconnect, hex, image, open, read } from "./_page-steps.ts";

type Given = { name: string; type: string; bytes: Uint8Array; text?: string };

/** A paste or a drop as a browser makes it of a file. */
async function give(
  where: Locator,
  kind: "paste" | "drop",
  { name, type, bytes, text }: Given,
): Promise<void> {
  await where.evaluate(
    (target, { kind, name, type, base64, text }) => {
      const carried = new DataTransfer();
      carried.items.add(
        new File([Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))], name, { type }),
      );
      if (text !== undefined) carried.items.add(text, "text/plain");
      const about = { bubbles: true, cancelable: true };
      target.dispatchEvent(
        kind === "paste"
          ? new ClipboardEvent("paste", { ...about, clipboardData: carried })
          : new DragEvent("drop", { ...about, dataTransfer: carried }),
      );
    },
    { kind, name, type, base64: Buffer.from(bytes).toString("base64"), text },
  );
}

/** One without LiveKit, which complains on the console by itself when a busy machine lets its ICE wait (seen once in seven). */
const sdk = "0.0.46";
const face = { name: "face.png", type: "image/png", bytes: readImage("face-png") };
const board = { name: "board.jpg", type: "image/jpeg", bytes: readImage("board-jpeg") };
const imagesSent = (lucy: MockServer) => lucy.journal.lines.filter(({ kind }) => kind === "set_image").length;

test("takes an image that is pasted or dropped, and shows what is in force and what goes next", async ({
  page,
  lucy,
}) => {
  const complaints = await open(page, lucy);
  await choose(page, sdk);
  await connect(page);
  const prompt = page.getByLabel("Prompt", { exact: true });
  const inForce = page.locator("#in-force img");
  const next = page.locator("#staged img");

  await give(page.locator("body"), "paste", face);
  await expect(read(page, "image")).toHaveText(hex(imageHash(face.bytes)));
  await expect(inForce).toHaveAttribute("alt", "pasted image");
  await journalLine(
    lucy,
    ({ kind, fields }) => kind === "state" && fields.imageHash === imageHash(face.bytes),
  );

  await give(page.locator("#images"), "drop", board);
  await expect(read(page, "image")).toHaveText(hex(imageHash(board.bytes)));
  await expect(inForce).toHaveAttribute("alt", "board.jpg");
  await expect(next).toHaveCount(0);

  // What was copied from a text with pictures in it belongs to the field; an image alone cannot.
  await page.getByLabel("send with the image").check();
  await give(prompt, "paste", { ...face, text: "a face" });
  await expect(next).toHaveCount(0);
  await give(prompt, "paste", face);
  await expect(next).toHaveAttribute("alt", "pasted image");
  expect(imagesSent(lucy)).toBe(2);
  await prompt.fill("a knight");
  await page.getByLabel("enhance").uncheck();
  await prompt.press("Enter");
  await expect(inForce).toHaveAttribute("alt", "pasted image");
  await expect(next).toHaveCount(0);
  await journalLine(
    lucy,
    ({ kind, fields }) =>
      kind === "state" &&
      fields.promptHash === promptHash("a knight") &&
      fields.imageHash === imageHash(face.bytes) &&
      fields.enhance === false,
  );

  // SDKs have no call for the prompt alone.
  await page.getByRole("button", { name: "Clear prompt" }).click();
  await expect(read(page, "prompt")).toHaveText("none");
  await expect(read(page, "image")).toHaveText(hex(imageHash(face.bytes)));
  await expect(prompt).toHaveValue("");
  await page.getByRole("button", { name: "Clear image" }).click();
  await expect(read(page, "image")).toHaveText("none");
  await expect(inForce).toHaveCount(0);
  await disconnect(page, lucy);
  expect(complaints).toEqual([]);
});

test("says what is wrong with a file: before it is sent where a browser can tell, and else in the server's words", async ({
  page,
  lucy,
}) => {
  const complaints = await open(page, lucy);
  await choose(page, sdk);
  const said = page.locator("#chosen");
  await give(page.locator("body"), "paste", face);
  await expect(said).toHaveText("Connect first: an image goes into a session.");
  await connect(page);
  await give(page.locator("#images"), "drop", {
    name: "diary.png",
    type: "image/png",
    bytes: Buffer.from("Dear diary, today"),
  });
  await expect(said).toHaveText("diary.png is no JPEG, PNG or WebP. Choose one of those, or convert it.");
  const large = Buffer.concat([face.bytes, Buffer.alloc(FILE_BYTES_MAX)]);
  await page
    .getByLabel("Choose a file")
    .setInputFiles({ name: "large.png", mimeType: "image/png", buffer: large });
  await expect(said).toHaveText("large.png has 7.9 MB; an image may have 7.8. Make it smaller.");
  expect(imagesSent(lucy)).toBe(0);

  for (const file of ["bomb.png", "cut-off.webp"]) {
    const refusals = () => lucy.journal.lines.filter(({ kind }) => kind === "state-refused");
    const before = refusals().length;
    const buffer = await readFile(image(file));
    await page.getByLabel("Choose a file").setInputFiles({ name: file, mimeType: "image/png", buffer });
    await expect.poll(() => refusals().length, file).toBe(before + 1);
    await expect(said).toHaveText(String(refusals().at(-1)!.fields.error));
    await expect(said).toHaveClass(/bad/);
  }
  await expect(page.locator("#in-force img")).toHaveCount(0);
  await disconnect(page, lucy);
  expect(complaints).toEqual([]);
});
