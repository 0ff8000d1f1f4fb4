import { type SdkTraits, versions } from "../../fixtures/browser/versions.ts";
import { imageHash, promptHash } from "../../fixtures/hashes.ts";
import { readImage } from "../../fixtures/images.ts";
import {
  expect,
  journalLine,
  newestOfDialect,
  nothingOpen,
  test,
  untilNothingOpen,
} from "../browser/lucy-test.ts";
import { choose, connect, disconnect, hex, image, open, read, told } from "./_page-steps.ts";

/** `LUCY_LONG`: every SDK that the page offers. */
const chosen = (versions as readonly SdkTraits[]).filter(
  ({ version }) => process.env.LUCY_LONG || newestOfDialect.includes(version),
);

test("shows what runs, how to reach it and what each SDK can send; gives its session back when the page goes away", async ({
  page,
  lucy,
}) => {
  const complaints = await open(page, lucy);
  await expect(page.getByLabel("What is running")).toContainText("mode transcode");
  await expect(page.getByLabel("What is running")).toContainText("sessions 0");
  await page.locator("summary", { hasText: "Point your own code" }).click();
  await expect(page.locator("#newer")).toContainText(`realtimeBaseUrl: "${lucy.realtimeUrl}"`);
  await expect(page.locator("#older")).toContainText(lucy.realtimeUrl);
  await expect(page.getByText("the server tells them apart")).toBeVisible();
  await expect(page.getByRole("combobox", { name: "SDK" })).toHaveValue(versions.at(-1)!.version);
  const codec = page.getByRole("combobox", { name: "Codec" });
  for (const { version, codecs } of chosen) {
    await choose(page, version);
    // Its own choice first.
    await expect(codec).toHaveValue(codecs[0]!);
    expect(await codec.locator("option").allTextContents()).toEqual(codecs);
  }
  await connect(page);
  expect(complaints).toEqual([]);
  await page.goto("about:blank");
  await untilNothingOpen(lucy);
  expect(lucy.open).toEqual(nothingOpen);
});

test("a key that brings a fault along is offered, and met", async ({ page, lucy }) => {
  const complaints = await open(page, lucy);
  const key = page.getByLabel("API key");
  const offered = page.locator("#faults option");
  await expect(offered.and(page.locator('[value="mock:missing-ack"]'))).toHaveCount(1);
  await key.fill("mock:server-error");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await expect(page.getByRole("log")).toContainText("Internal server error.");
  await journalLine(lucy, ({ kind, fields }) => kind === "fault-fired" && fields.name === "server-error");
  await disconnect(page, lucy);
  expect(complaints).toEqual([]);
});

for (const { version, has } of chosen) {
  test(`SDK ${version}: a prompt, an image, a bad file and both as one set(), up to disconnect`, async ({
    page,
    lucy,
  }) => {
    const complaints = await open(page, lucy);
    await choose(page, version);
    const first = has.emptyState ? 1 : 0;
    await connect(page, first);
    await expect(page.locator("#state")).toHaveText(/^(connected|generating)$/);
    await expect(page.locator("#session")).toContainText(lucy.sessions[0]!.id);
    await expect(read(page, "prompt")).toHaveText("none");
    await expect(read(page, "image")).toHaveText("none");
    await expect(told(page, "prompt")).toHaveText("none");
    await expect(page.locator("#result-empty")).toBeHidden();

    await page.getByLabel("Prompt", { exact: true }).fill("a knight, mirror");
    await page.getByLabel("Prompt", { exact: true }).press("Enter");
    await expect(read(page, "revision")).toHaveText(String(first + 1));
    await expect(read(page, "prompt")).toHaveText(hex(promptHash("a knight, mirror")));
    await expect(page.getByRole("log")).toContainText(/setPrompt\("a knight, mirror"\)acked after \d+ ms/);

    await page.getByRole("button", { name: "A face with a hat, PNG", exact: true }).click();
    await expect(read(page, "revision")).toHaveText(String(first + 2));
    await expect(read(page, "image")).toHaveText(hex(imageHash(readImage("face-png"))));
    await expect(told(page, "image")).toContainText("512×512 png");
    await expect(page.locator("#row-image")).toHaveAttribute("data-agree", "yes");

    const refused = journalLine(lucy, ({ kind }) => kind === "state-refused");
    await page.getByLabel("Choose a file").setInputFiles(image("cut-off.jpg"));
    const sentence = String((await refused).fields.error);
    await expect(page.getByRole("log")).toContainText(sentence);
    await expect(page.locator("#chosen")).toHaveText(sentence);
    await expect(read(page, "revision")).toHaveText(String(first + 2));

    await page.getByRole("button", { name: "Clear all", exact: true }).click();
    await expect(read(page, "revision")).toHaveText(String(first + 3));
    await expect(read(page, "prompt")).toHaveText("none");
    await expect(read(page, "image")).toHaveText("none");

    if (has.set) {
      await page.getByLabel("send with the image").check();
      await page.getByLabel("Choose a file").setInputFiles(image("board.jpg"));
      await expect(page.locator("#chosen")).toHaveText("board.jpg goes with the next prompt.");
      await page.getByRole("button", { name: "grayscale", exact: true }).click();
      await expect(read(page, "revision")).toHaveText(String(first + 4));
      await expect(read(page, "prompt")).toHaveText(hex(promptHash("grayscale")));
      await expect(read(page, "image")).toHaveText(hex(imageHash(readImage("board-jpeg"))));
    }

    await disconnect(page, lucy);
    expect(complaints).toEqual([]);
  });
}

test("needs no mouse", async ({ page, lucy }) => {
  const complaints = await open(page, lucy);
  await page.getByLabel("API key").press("Enter");
  await expect(read(page, "revision")).toHaveText("0");
  await page.getByLabel("Prompt", { exact: true }).focus();
  await page.keyboard.type("anything");
  await page.keyboard.press("Enter");
  await expect(read(page, "prompt")).toHaveText(hex(promptHash("anything")));
  await page.getByRole("button", { name: "invert", exact: true }).press("Space");
  await expect(read(page, "prompt")).toHaveText(hex(promptHash("invert")));
  await page.getByRole("button", { name: "Disconnect", exact: true }).press("Enter");
  await untilNothingOpen(lucy);
  await page.getByLabel("Synthetic").press("ArrowRight");
  await expect(page.getByLabel("Camera")).toBeChecked();
  expect(complaints).toEqual([]);
});

test("sends the codec that is asked for", async ({ page, lucy }) => {
  await open(page, lucy);
  for (const [version, codec] of [
    ["0.1.20", "VP9"],
    ["0.0.46", "H264"],
    // Other specs send VP8.
    ...(process.env.LUCY_LONG ? [["0.1.20", "VP8"] as const, ["0.0.46", "VP9"] as const] : []),
  ] as const) {
    await choose(page, version);
    await page.getByRole("combobox", { name: "Codec" }).selectOption(codec);
    await connect(page);
    await expect(told(page, "speed")).toContainText(codec);
    await disconnect(page, lucy);
  }
});

test("sends a real camera, which has no clock to read", async ({ page, lucy }) => {
  const complaints = await open(page, lucy);
  await page.getByText("Camera", { exact: true }).click();
  await expect(page.getByText("The camera starts with Connect")).toBeVisible();
  await connect(page);
  await expect(page.getByText("A real camera puts no clock into its pictures")).toBeVisible();
  await expect(read(page, "latency")).toHaveText("–");
  await disconnect(page, lucy);
  const camera = await page.locator("#source").evaluate((video: HTMLVideoElement) => video.srcObject);
  expect(camera, "the camera after disconnecting").toBeNull();
  expect(complaints).toEqual([]);
});

test("goes on with the synthetic camera when the real one is refused", async ({ page, lucy }) => {
  await page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("No.", "NotAllowedError"));
  });
  await open(page, lucy);
  await page.getByText("Camera", { exact: true }).click();
  await connect(page);
  await expect(page.getByRole("log")).toContainText(
    "The camera was refused. Allow it for this page in the browser’s address bar to use it next time. Going on with the synthetic camera.",
  );
  await expect(page.getByLabel("Synthetic")).toBeChecked();
  await disconnect(page, lucy);
});

test("says that the server is gone, and how to start it: by the command that the server has told", async ({
  page,
  lucy,
}) => {
  await page.route("**/_lucy/playground", async (route) => {
    const offer = await (await route.fetch()).json();
    expect(offer.startCommand).toBe("npm start --");
    await route.fulfill({ json: { ...offer, startCommand: "npx lucy-testkit mock" } });
  });
  await open(page, lucy);
  await expect(page.locator("#server-clock")).toContainText("npx lucy-testkit mock --clock manual.");
  await lucy.close();
  await expect(page.getByRole("alert")).toHaveText(
    `The server at ${lucy.url} does not answer. Start it with npx lucy-testkit mock --port ${new URL(lucy.url).port}; this page notices.`,
  );
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await expect(page.getByRole("log")).toContainText("does not answer");
  await expect(page.getByRole("button", { name: "Connect", exact: true })).toBeEnabled();
});

test.describe("a server that others reach", () => {
  test.use({ serverOptions: { host: "0.0.0.0" } });

  test("tells the page with the token what it does, and the page without that it needs one", async ({
    page,
    lucy,
  }) => {
    await page.goto(lucy.url);
    const alert = page.getByRole("alert");
    await expect(alert).toContainText(`Open ${lucy.url}/#token=… with it`);
    // What it says that it has not, and what it has.
    for (const path of ["sessions", "journal", "faults", "clock"]) {
      await expect(alert).toContainText(path);
      expect((await page.request.get(`${lucy.url}/_lucy/${path}`)).status(), path).toBe(401);
    }
    await connect(page);
    await disconnect(page, lucy);
    await page.goto("about:blank");
    await page.goto(`${lucy.url}/#token=${lucy.controlToken}`);
    await expect(page.getByLabel("What is running")).toContainText("mode transcode");
    await expect(page.getByRole("alert")).toBeHidden();
    await page.goto("about:blank");
    await page.goto(`${lucy.url}/#token=another`);
    await expect(page.getByRole("alert")).toContainText("The token is not the one that this server printed");
  });
});

test.describe("a full server", () => {
  test.use({ serverOptions: { sessionsMax: 0 } });

  test("is quoted while the SDK retries, and connecting can be cancelled", async ({ page, lucy }) => {
    await open(page, lucy);
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await expect(page.getByRole("log")).toContainText("Concurrent session limit reached.");
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await expect(page.getByRole("log")).toContainText("Cancelled.");
    await expect(page.getByRole("button", { name: "Connect", exact: true })).toBeEnabled();
    await untilNothingOpen(lucy);
  });
});

test("lets go at once of an attempt that the SDK does not, and connects again", async ({ page, lucy }) => {
  await open(page, lucy);
  const key = page.getByLabel("API key");
  await key.fill("mock:withhold-answer");
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await journalLine(lucy, ({ kind }) => kind === "fault-fired");
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await expect(page.getByRole("button", { name: "Connect", exact: true })).toBeEnabled();
  await expect(page.getByRole("log")).toContainText("Cancelled.");
  await key.fill("dct_local");
  if (process.env.LUCY_LONG) {
    await connect(page);
    await disconnect(page, lucy);
  } else {
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await expect(page.locator("#result-empty")).toHaveText(
      "The SDK has not let go of what was cancelled; it does so within 16 s.",
    );
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await expect(page.getByRole("button", { name: "Connect", exact: true })).toBeEnabled();
  }
});

test("shows the place in the queue, and lets go of it", async ({ page, lucy }) => {
  const places = [
    { position: 2, queue_size: 5 },
    { position: 2, queue_size: 5 },
    { position: 1, queue_size: 4 },
  ];
  // A server that has a queue and no end of it.
  await page.routeWebSocket(/\/v1\/stream/, (socket) => {
    socket.onMessage(() => {
      for (const place of places) socket.send(JSON.stringify({ type: "queue_position", ...place }));
    });
  });
  await open(page, lucy);
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await expect(page.locator("#state")).toHaveText("in the queue, 1 of 4");
  await expect(page.locator("#progress-queue")).toHaveText("1 of 4");
  await expect(page.locator("#result-empty")).toHaveText("Waiting for a free session: in the queue, 1 of 4.");
  await expect(page.getByRole("log").getByText("in the queue")).toHaveText([
    "The server: in the queue, 1 of 4.",
    "The server: in the queue, 2 of 5.",
  ]);
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await expect(page.getByRole("log")).toContainText("Cancelled.");
  await expect(page.locator("#state")).toHaveText("not connected");
});

test("says why nothing is sent after SDK 0.1.20 has connected again", async ({ page, lucy }) => {
  let drop = async () => {};
  await page.routeWebSocket(/\/v1\/stream/, (socket) => {
    const server = socket.connectToServer();
    drop = async () => {
      await socket.close({ code: 1011, reason: "Dropped by the spec." });
      await server.close();
    };
  });
  await open(page, lucy);
  await connect(page);
  await drop();
  const sentence = "The SDK stopped the camera when it lost the room";
  await expect(page.getByRole("log")).toContainText(sentence);
  await expect(page.locator("#result-empty")).toContainText(sentence);
  // What was told of the session before is not told of this one.
  await expect(page.locator("#progress-ticked")).toHaveText("–");
  await disconnect(page, lucy);
});

test("lets an SDK reach nobody but this server, and 0.1.20 start the worker that debugQuality needs", async ({
  page,
  lucy,
}) => {
  await open(page, lucy);
  const reached = await page.evaluate(() => {
    const peer = new RTCPeerConnection({ iceServers: [{ urls: "stun:stun.example.test:3478" }] });
    const { iceServers } = peer.getConfiguration();
    peer.close();
    let refused = "";
    try {
      new WebSocket("wss://api4.decart.ai/v1/stream");
    } catch (error) {
      refused = (error as Error).message;
    }
    return { iceServers, refused };
  });
  expect(reached).toEqual({ iceServers: [], refused: "Refused to reach api4.decart.ai." });

  const started = page.waitForEvent("worker");
  await page.evaluate(async (realtimeBaseUrl) => {
    const { createDecartClient, models } = await import(`${location.origin}/_lucy/sdk/0.1.20.js`);
    const options = { apiKey: "dct_local", baseUrl: location.origin, realtimeBaseUrl, telemetry: false };
    const model = models.realtime("lucy-2.1");
    // The worker comes before the socket; where that leads is another spec's business.
    createDecartClient(options)
      .realtime.connect(null, { model, onRemoteStream() {}, debugQuality: true })
      .catch(() => {});
  }, lucy.realtimeUrl);
  const worker = await started;
  expect(new URL(worker.url()).pathname).toBe("/_lucy/sdk/frame-metadata-worker.js");
  // A worker that the policy keeps out, or whose script is none, has no handler.
  expect(await worker.evaluate("typeof onmessage")).toBe("function");
});

test("serves itself with a policy that keeps it here, and nothing else of its folder", async ({
  request,
  lucy,
}) => {
  const page = await request.get(lucy.url);
  expect(page.headers()["content-security-policy"]).toContain("default-src 'self'");
  expect(page.headers()["cache-control"]).toBe("no-store");
  for (const path of ["/_lucy/samples/bomb", "/_lucy/samples/..%2fimages.ts", "/_lucy/sdk/0.0.1.js"]) {
    expect((await request.get(lucy.url + path)).status(), path).toBe(404);
  }
});
