/** A camera without a camera: a canvas with something moving on it and, on request, the input strip in its top row. */
import { paintInputStrip } from "../../fixtures/strips.ts";

export type SyntheticCamera = {
  readonly stream: MediaStream;
  /** Pictures drawn so far; the id in the next one's strip. */
  readonly frameCount: number;
  /** Draws in another size from the next picture on: the sender's encoder follows. */
  resize(width: number, height: number): void;
  stop(): void;
};

export function startSyntheticCamera({
  width = 1280,
  height = 720,
  fps = 30,
  strip = true,
} = {}): SyntheticCamera {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { alpha: false })!;
  let frameCount = 0;

  function draw(): void {
    paintScene(context, canvas.width, canvas.height, frameCount);
    const timestampMs = Math.floor(performance.now());
    if (strip) paintInputStrip(context, canvas.width, { frameId: frameCount, timestampMs, flags: 0 });
    frameCount++;
  }

  draw();
  const timer = setInterval(draw, 1000 / fps);
  const stream = canvas.captureStream(fps);
  return {
    stream,
    get frameCount() {
      return frameCount;
    },
    resize(nextWidth, nextHeight) {
      canvas.width = nextWidth;
      canvas.height = nextHeight;
      draw();
    },
    stop() {
      clearInterval(timer);
      for (const track of stream.getTracks()) track.stop();
    },
  };
}

/** A sky, hills and a ball that bounces: easy on the encoder, and any flip, blur or tint of it shows. */
function paintScene(context: CanvasRenderingContext2D, width: number, height: number, frame: number): void {
  const sky = context.createLinearGradient(0, 0, 0, height);
  sky.addColorStop(0, "#2b6cb0");
  sky.addColorStop(0.7, "#f6ad55");
  context.fillStyle = sky;
  context.fillRect(0, 0, width, height);
  for (const [base, color, speed] of [
    [0.72, "#2f855a", 1],
    [0.84, "#22543d", 2],
  ] as const) {
    context.fillStyle = color;
    context.beginPath();
    context.moveTo(0, height);
    for (let x = 0; x <= width; x += width / 40) {
      context.lineTo(x, height * (base + 0.05 * Math.sin((8 * x) / width + (frame * speed) / 40)));
    }
    context.lineTo(width, height);
    context.fill();
  }
  const radius = height * 0.09;
  const x = radius + (width - 2 * radius) * (0.5 - 0.5 * Math.cos(frame / 50));
  const y = height * 0.62 - height * 0.35 * Math.abs(Math.sin(frame / 18));
  context.fillStyle = "#e53e3e";
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
  context.fillStyle = "#fff";
  context.beginPath();
  context.arc(x - radius * 0.3, y - radius * 0.3, radius * 0.25, 0, 2 * Math.PI);
  context.fill();
}
