/** Whatever an SDK, a browser or zod threw, as one sentence for a person. */
export function sentenceOf(error: unknown): string {
  const found = textOf(error).trim() || "It failed and gave no reason.";
  return /[.!?…]$/.test(found) ? found : `${found}.`;
}

function textOf(error: unknown): string {
  if (typeof error === "string") return error;
  if (typeof error !== "object" || error === null) return "";
  const { message, data, issues } = error as {
    message?: unknown;
    data?: { cause?: unknown };
    issues?: { message: string }[];
  };
  // SDKs wrap the reason in an error that says only "WebRTC error".
  if (data?.cause) return textOf(data.cause);
  if (Array.isArray(issues) && issues.length > 0) return issues.map((issue) => issue.message).join("; ");
  return typeof message === "string" ? message : "";
}
