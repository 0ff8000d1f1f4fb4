/**
 * An app as the product page has it: camera in, edited video out, prompt and reference image changed on the way. It knows nothing of the mock
 * server: key and addresses are those of production.
 */
import { createDecartClient, models, type RealTimeClient } from "@decartai/sdk";

const element = <Kind extends HTMLElement>(id: string) => document.getElementById(id) as Kind;
const [connect, apply, disconnect] = ["connect", "apply", "disconnect"].map((id) =>
  element<HTMLButtonElement>(id),
);
const form = element<HTMLFormElement>("edit");
const model = models.realtime("lucy-2.1");
const client = createDecartClient({ apiKey: "dct_your-api-key-here" });
let realtime: RealTimeClient | undefined;

connect!.addEventListener("click", () =>
  attempt(async () => {
    const { width, height, fps: frameRate } = model;
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width, height, frameRate } });
    realtime = await client.realtime.connect(stream, {
      model,
      onRemoteStream(edited) {
        element<HTMLVideoElement>("edited").srcObject = edited;
      },
      onConnectionChange: show,
      initialState: { prompt: { text: prompt(), enhance: true } },
    });
    realtime.on("error", ({ message }) => complain(message));
    show(realtime.getConnectionState());
  }),
);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const image = (form.elements.namedItem("image") as HTMLInputElement).files?.[0];
  return attempt(async () => {
    await realtime?.set({ prompt: prompt(), ...(image && { image }) });
  });
});

disconnect!.addEventListener("click", () => realtime?.disconnect());

function prompt(): string {
  return (form.elements.namedItem("prompt") as HTMLInputElement).value;
}

function show(state: string): void {
  element("state").textContent = state;
  const isOn = state === "connected" || state === "generating";
  connect!.disabled = isOn;
  apply!.disabled = disconnect!.disabled = !isOn;
}

async function attempt(run: () => Promise<void>): Promise<void> {
  complain("");
  await run().catch(({ message }) => complain(message));
}

function complain(sentence: string): void {
  element("problem").textContent = sentence;
}
