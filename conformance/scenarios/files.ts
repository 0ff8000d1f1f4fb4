/** Images that are uploaded once and set by their ids. */
import { imageHash, readImage } from "../../fixtures/index.ts";
import { holds, rejects, resolves, same } from "../findings.ts";
import { goesOn, staysConnected } from "../rules.ts";
import { defineScenario, type Scenario } from "../scenario.ts";
import { imageOf } from "../steps.ts";

const picture = { data: imageOf("face-png"), mimeType: "image/png" };

export const files: readonly Scenario[] = [
  defineScenario({
    id: "files/ref",
    does: "The app uploads an image, and sets it by its id, with a prompt.",
    owes: "It sends the id alone, and both come into force.",
    source: { kind: "observed", where: "@decartai/sdk 0.1.1 to 0.1.20: image_ref" },
    needs: ["upload", "file-ref", "set"],
    kills: ["sends-refs-as-images"],
    async drive({ client, target }) {
      const { ended } = await client.call("upload", { ...target(), ...picture });
      await client.connect();
      await client.call("set", { prompt: "a red cape", image: String(ended!.value.id) });
    },
    judge: ({ call, lines, sentStates }) => {
      const id = call("upload")?.ended?.value.id;
      const { prompt, imageHash: hash } = lines("state").at(-1)?.fields ?? {};
      return [
        ...resolves("upload() resolves", call("upload")),
        ...resolves("set() resolves", call("set")),
        ...same("the id that is sent", sentStates().at(-1)?.fields.image_ref, id),
        ...same(
          "what is in force",
          { prompt, hash },
          {
            prompt: "a red cape",
            hash: imageHash(readImage("face-png")),
          },
        ),
      ];
    },
  }),
  defineScenario({
    id: "files/unknown-ref",
    does: "The app sets an image by an id that there is none of.",
    owes: "The call rejects with what the server said, nothing changes, and the next change goes through.",
    source: { kind: "observed", where: "@decartai/sdk 0.1.1 to 0.1.20 reject with the ack's error" },
    needs: ["file-ref", "set"],
    kills: ["ignores-refusals"],
    async drive({ client }) {
      await client.connect();
      await client.call("set", { prompt: "never", image: "file_none" });
      await client.call("set", { prompt: "afterwards" });
    },
    judge: (reading) => [
      ...rejects("set() rejects", reading.call("set", 1), /file_none/),
      ...holds(
        "nothing changes",
        !reading.lines("state").some(({ fields }) => fields.prompt === "never"),
        "no change",
        "it changed",
      ),
      ...staysConnected(reading),
      ...goesOn(reading, "afterwards"),
    ],
  }),
  defineScenario({
    id: "files/upload-refused",
    does: "The app uploads an image, and the server says no.",
    owes: "upload() rejects with what the server said.",
    source: { kind: "observed", where: "@decartai/sdk 0.1.1 to 0.1.20: Failed to upload file: …" },
    needs: ["upload"],
    kills: ["takes-any-answer"],
    faults: [{ name: "http-status", only: "files", with: { status: 413, detail: "No room for this file." } }],
    async drive({ client, target }) {
      await client.call("upload", { ...target(), ...picture });
    },
    judge: ({ call }) => rejects("upload() rejects", call("upload"), /No room for this file\./),
  }),
];
