/** The TypeScript half of as-code.ts: a module for a page that does what was done, line for line. */
import { traitsOf } from "../../fixtures/browser/versions.ts";
import type { Connect, Deed, Edit, SentImage } from "./deeds.ts";
import { sdkSnippet } from "./snippets.ts";

type About = {
  readonly url: string;
  readonly realtimeUrl: string;
  readonly needsToken: boolean;
  /** A key as it may be shown. */
  keyOf(apiKey: string): string;
};

export function sdkCodeOf(stretch: readonly Deed[], about: About): string {
  const images = new Map<string, string>();
  const healed = new Set(stretch.flatMap((deed) => (deed.kind === "heal" ? (deed.id ?? []) : [])));
  const names = new Map<string, string>();
  const connect = stretch.find((deed) => deed.kind === "connect");
  const isLivekit = connect !== undefined && traitsOf(connect.version).era === "livekit";
  let knowsSession = false;

  function linesOf(deed: Deed): string[] {
    switch (deed.kind) {
      case "connect":
        return ["", ...connectLines(deed), ""];
      case "set":
      case "setPrompt":
      case "setImage":
        return [...imageLines(deed.image), ...nullLines(deed), `await realtime.${callOf(deed)};`];
      case "disconnect":
        return ["realtime.disconnect();", "for (const track of stream.getTracks()) track.stop();"];
      case "fault": {
        const session = deed.session === null ? [] : sessionLines();
        const path = deed.session === null ? '"faults"' : `\`faults?session=\${session.id}\``;
        const call = `await control("POST", ${path}, ${flow(deed.declaration, "js")});`;
        if (deed.id === undefined || !healed.has(deed.id)) return [...session, call];
        const name = `fault${names.size + 1}`;
        names.set(deed.id, name);
        return [...session, `const [${name}] = ${call}`];
      }
      case "heal": {
        const name = deed.id === null ? undefined : names.get(deed.id);
        if (name) return [`await control("DELETE", \`faults/\${${name}.id}\`);`];
        return [`await control("DELETE", ${flow(deed.id === null ? "faults" : `faults/${deed.id}`, "js")});`];
      }
      case "advance":
        return [`await control("POST", "clock/advance", { ms: ${deed.ms} });`];
      case "end-session":
        return [...sessionLines(), `await control("DELETE", \`sessions/\${session.id}\`);`];
      case "reset":
        return ['await control("POST", "reset");'];
    }
  }

  function imageLines(image: SentImage | null | undefined): string[] {
    if (!image) return [];
    const key = keyOfImage(image);
    if (images.has(key)) return [];
    images.set(key, `image${images.size === 0 ? "" : images.size + 1}`);
    const address = image.path === undefined ? image.name : about.url + image.path;
    return [
      `const ${images.get(key)} = await (await fetch(${flow(address, "js")})).blob(); // ${image.byteLength} bytes`,
    ];
  }

  function callOf({ kind, prompt, image, enhance }: Edit): string {
    const word = image === undefined ? undefined : image === null ? "null" : images.get(keyOfImage(image))!;
    const options = [
      prompt !== undefined && kind !== "setPrompt" && `prompt: ${flow(prompt, "js")}`,
      word !== undefined && kind === "set" && (word === "image" ? word : `image: ${word}`),
      enhance !== undefined && `enhance: ${enhance}`,
    ].filter(Boolean);
    const object = options.length > 0 ? `{ ${options.join(", ")} }` : "";
    const first = { set: undefined, setPrompt: flow(prompt, "js"), setImage: word }[kind];
    return `${kind}(${[first, object].filter(Boolean).join(", ")})`;
  }

  function nullLines({ prompt }: Edit): string[] {
    if (prompt !== null || isLivekit) return [];
    return ["// @ts-expect-error: the types of this version have no null here, its code has."];
  }

  /** Which session was meant, the code cannot know: ids are others each time. */
  function sessionLines(): string[] {
    if (knowsSession) return [];
    knowsSession = true;
    return ['const session = (await control("GET", "sessions")).at(-1); // the newest'];
  }

  function connectLines({ model, codec, source, fileName, camera }: Connect): string[] {
    return [
      `const model = models.realtime(${flow(model, "js")});`,
      ...(source === "camera"
        ? cameraLines
        : canvasLines(source === "file" ? (fileName ?? "clip.mp4") : null, camera.fps)),
      "",
      "const realtime = await client.realtime.connect(stream, {",
      "  model,",
      "  onRemoteStream(edited) {",
      '    document.querySelector("video")!.srcObject = edited;',
      "  },",
      ...(codec === null
        ? []
        : isLivekit
          ? [`  preferredVideoCodec: ${flow(codec.toLowerCase(), "js")},`]
          : offerLines(codec)),
      "});",
    ];
  }

  const body = stretch.flatMap(linesOf);
  const text = [
    ...(connect ? clientLines(connect, about) : []),
    ...(body.some((line) => line.includes("await control(")) ? ["", ...controlLines(about)] : []),
    ...body,
  ].join("\n");
  return `${text.replace(/\n{3,}/g, "\n\n").trim()}\n`;
}

/**
 * A value as JavaScript and YAML in braces both have it; `yaml` leaves out quotes around words. Keys are quoted where a word means something
 * else.
 */
export function flow(value: unknown, language: "js" | "yaml"): string {
  if (typeof value === "string") {
    const isWord =
      language === "yaml" &&
      /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(value) &&
      !/^(null|true|false)$/.test(value);
    return isWord ? value : JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map((one) => flow(one, language)).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const pairs = Object.entries(value).map(([key, one]) => {
    const isWord = /^[a-z_]\w*$/i.test(key) && !/^(null|true|false)$/i.test(key);
    return `${isWord ? key : JSON.stringify(key)}: ${flow(one, language)}`;
  });
  return pairs.length > 0 ? `{ ${pairs.join(", ")} }` : "{}";
}

function keyOfImage({ name, byteLength }: SentImage): string {
  return `${byteLength} ${name}`;
}

function clientLines({ version, apiKey }: Connect, { url, realtimeUrl, keyOf }: About): string[] {
  const imported = 'import { createDecartClient, models } from "@decartai/sdk";';
  if (traitsOf(version).era === "livekit") {
    const made = sdkSnippet(url, realtimeUrl, keyOf(apiKey)).split("\n\n")[1]!;
    return [`// @decartai/sdk ${version}`, imported, "", made];
  }
  return [
    `// @decartai/sdk ${version}, which has the service's host fixed in its code: before it`,
    `// <script src="${url}/_lucy/redirect.js"></script> leads its socket here.`,
    imported,
    "",
    `const client = createDecartClient({ apiKey: ${flow(keyOf(apiKey), "js")} });`,
  ];
}

const cameraLines = [
  "const stream = await navigator.mediaDevices.getUserMedia({",
  "  video: { width: { ideal: model.width }, height: { ideal: model.height } },",
  "});",
];

/** A file, or something that moves where there is none. */
function canvasLines(fileName: string | null, fps: number): string[] {
  const draw =
    fileName === null
      ? [
          `  context.fillStyle = \`hsl(\${(performance.now() / 20) % 360} 60% 50%)\`;`,
          "  context.fillRect(0, 0, canvas.width, canvas.height);",
        ]
      : ["  context.drawImage(clip, 0, 0, canvas.width, canvas.height);"];
  return [
    ...(fileName === null
      ? []
      : [
          `const clip = Object.assign(document.createElement("video"), { src: ${flow(fileName, "js")}, loop: true, muted: true });`,
          "await clip.play();",
        ]),
    'const canvas = Object.assign(document.createElement("canvas"), { width: model.width, height: model.height });',
    'const context = canvas.getContext("2d")!;',
    "setInterval(() => {",
    ...draw,
    `}, 1000 / ${fps});`,
    `const stream = canvas.captureStream(${fps});`,
  ];
}

/** Up to 0.0.68 the codec is chosen in the offer: whose payload types come first is taken. */
function offerLines(codec: string): string[] {
  return [
    "  customizeOffer(offer: RTCSessionDescriptionInit) {",
    '    offer.sdp = (offer.sdp ?? "").replace(/^(m=video \\S+ \\S+) (.*)$/m, (_line, head, list) => {',
    `      const isWanted = (type: string) => new RegExp(\`^a=rtpmap:\${type} ${codec}/\`, "mi").test(offer.sdp ?? "");`,
    '      const types: string[] = list.trim().split(" ");',
    `      return \`\${head} \${[...types.filter(isWanted), ...types.filter((type) => !isWanted(type))].join(" ")}\`;`,
    "    });",
    "  },",
  ];
}

function controlLines({ url, needsToken }: About): string[] {
  return [
    "async function control(method: string, path: string, body?: object | string) {",
    `  const response = await fetch(\`${url}/_lucy/\${path}\`, {`,
    "    method,",
    needsToken
      ? '    headers: { "content-type": "application/json", authorization: "Bearer the-token-printed-at-start" },'
      : '    headers: { "content-type": "application/json" },',
    "    body: body === undefined ? null : JSON.stringify(body),",
    "  });",
    "  if (!response.ok) throw new Error(await response.text());",
    "  return response.status === 204 ? null : response.json();",
    "}",
    "",
  ];
}
