// Where the service lives: hosts, paths, query parameters and headers, as real clients spell them. Documented unless a line
// says otherwise.

/** The hosts a client reaches when nobody tells it otherwise. */
export const DEFAULT_BASE_URLS = {
  /** REST, every SDK; also the socket of Python up to 0.0.25 (as wss) and Android. */
  rest: "https://api.decart.ai",
  /** The control socket: JS (hard-coded up to 0.0.50), Python 0.0.26 and later. */
  realtime: "wss://api3.decart.ai",
  /** The control socket of Android 0.1.0 to 0.7.10. */
  realtimeAndroid: "wss://api.decart.ai",
  /** JS 0.0.49 and later post here every 10 s unless `telemetry: false`. */
  telemetry: "https://platform.decart.ai/api/v1/telemetry",
  /** The only ICE server that direct JS clients name. */
  stun: "stun:stun.l.google.com:19302",
} as const;

/** The vendor's own hosts. A run must not reach these by accident: it would cost money and measure the wrong thing. */
export const VENDOR_HOSTS: readonly string[] = ["api.decart.ai", "api3.decart.ai", "platform.decart.ai"];

/** Whether `host` (a name without port) is the vendor's: one of {@link VENDOR_HOSTS}, or anything below decart.ai. */
export function isVendorHost(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  return name === "decart.ai" || name.endsWith(".decart.ai");
}

/** The service's paths; `:name` stands for one percent-encoded segment. */
export const PATHS = {
  /** WebSocket: the control socket, both eras. */
  stream: "/v1/stream",
  /** WebSocket: a viewer of a direct session (JS 0.0.46 to 0.0.68). Observed. */
  subscribe: "/subscribe/:sid",
  /** POST: a viewer's way into a LiveKit room (0.1.x). */
  watchStream: "/watch-stream/:room",
  /** POST. */
  clientTokens: "/v1/client/tokens",
  /** POST, multipart (JS 0.1.1 and later). */
  files: "/v1/files",
  /** GET, DELETE. */
  file: "/v1/files/:id",
  /** POST, multipart, with a model's id. */
  submitJob: "/v1/jobs/:model",
  /** GET. */
  job: "/v1/jobs/:id",
  /** GET. */
  jobContent: "/v1/jobs/:id/content",
  /** POST, multipart. */
  generate: "/v1/generate/:model",
  /** GET. In no SDK. */
  quota: "/v1/realtime/quota",
  /** POST. In no SDK; from the service's OpenAPI description. */
  resolveModel: "/v1/models/resolve",
  /** POST. In no SDK; from the service's OpenAPI description. */
  verify: "/v1/verify",
} as const;

/** Every path on which a control socket is opened. The avatar paths are JS 0.0.28–0.0.31 and Python 0.0.16–0.0.25. */
export const STREAM_PATHS: readonly string[] = [
  PATHS.stream,
  "/v1/avatar-live/stream",
  "/v1/live_avatar/stream",
];

/** Query parameters of the control socket and of `/subscribe`. */
export const QUERY = {
  apiKey: "api_key",
  model: "model",
  /** `720p` or `1080p`, only when the app asks (JS 0.0.68 and later, Android 0.6.1 and later). */
  resolution: "resolution",
  /** JS 0.0.8 and later; says `0.0.0-dev` up to 0.1.14, so nothing may depend on it. */
  userAgent: "user_agent",
  /** `vp8`: please send VP8 (JS 0.1.x in desktop Safari). */
  livekitServerCodec: "livekit_server_codec",
  /** `true`: Python 0.1.x. */
  livekitEarlyRoomInfo: "livekit_early_room_info",
  /** `1`: the client paints a pixel marker (JS 0.1.6 to 0.1.14 with `debugQuality`, Android 0.7). */
  pixelLatency: "pixel_latency",
  /** `/subscribe` only, with capital letters. Observed in JS 0.0.46. */
  subscribeIp: "IP",
  /** `/subscribe` only. */
  subscribePort: "port",
} as const;

/** The header that carries the key on the HTTP side, in lower case; clients leave it out when the key is empty. */
export const API_KEY_HEADER = "x-api-key";
