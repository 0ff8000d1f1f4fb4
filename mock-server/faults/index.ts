/** The list of faults; a fault that is not here does not exist. */
import { appliedButRejected } from "./applied-but-rejected.ts";
import { audioGap } from "./audio-gap.ts";
import { black } from "./black.ts";
import { capacity } from "./capacity.ts";
import { close } from "./close.ts";
import { connectionLost } from "./connection-lost.ts";
import { connectionReset } from "./connection-reset.ts";
import { corrupt } from "./corrupt.ts";
import { corruptSignal } from "./corrupt-signal.ts";
import { delay } from "./delay.ts";
import { doubleAck } from "./double-ack.ts";
import { drop } from "./drop.ts";
import { dropSocket } from "./drop-socket.ts";
import { dtlsClosed } from "./dtls-closed.ts";
import { duplicate } from "./duplicate.ts";
import { earlyEnd } from "./early-end.ts";
import { earlyGeneration } from "./early-generation.ts";
import type { Fault } from "./fault.ts";
import { fpsDrop } from "./fps-drop.ts";
import { freeze } from "./freeze.ts";
import { halfOpen } from "./half-open.ts";
import { httpStatus } from "./http-status.ts";
import { iceNever } from "./ice-never.ts";
import { iceRestart } from "./ice-restart.ts";
import { incompleteJoin } from "./incomplete-join.ts";
import { insufficientCredits } from "./insufficient-credits.ts";
import { jitter } from "./jitter.ts";
import { lateAck } from "./late-ack.ts";
import { lateUpdate } from "./late-update.ts";
import { leave } from "./leave.ts";
import { malformedBody } from "./malformed-body.ts";
import { missingAck } from "./missing-ack.ts";
import { moderation } from "./moderation.ts";
import { moderationEnd } from "./moderation-end.ts";
import { negativeAck } from "./negative-ack.ts";
import { neverApplied } from "./never-applied.ts";
import { noCandidates } from "./no-candidates.ts";
import { noGeneration } from "./no-generation.ts";
import { noJoin } from "./no-join.ts";
import { noKeyframes } from "./no-keyframes.ts";
import { noPong } from "./no-pong.ts";
import { noTrackPublished } from "./no-track-published.ts";
import { noUpdate } from "./no-update.ts";
import { nothing } from "./nothing.ts";
import { packetLoss } from "./packet-loss.ts";
import { pathChange } from "./path-change.ts";
import { queueSilence } from "./queue-silence.ts";
import { rateCap } from "./rate-cap.ts";
import { refuseResume } from "./refuse-resume.ts";
import { refuseToken } from "./refuse-token.ts";
import { refuseUpgrade } from "./refuse-upgrade.ts";
import { reorder } from "./reorder.ts";
import { resize } from "./resize.ts";
import { serverError } from "./server-error.ts";
import { sessionExpiry } from "./session-expiry.ts";
import { ssrcChange } from "./ssrc-change.ts";
import { staleFrame } from "./stale-frame.ts";
import { stall } from "./stall.ts";
import { stopSending } from "./stop-sending.ts";
import { timestampJump } from "./timestamp-jump.ts";
import { tokenExpired } from "./token-expired.ts";
import { tornSet } from "./torn-set.ts";
import { unsolicitedReady } from "./unsolicited-ready.ts";
import { validateError } from "./validate-error.ts";
import { withholdAnswer } from "./withhold-answer.ts";
import { wrongAnswerId } from "./wrong-answer-id.ts";
import { wrongEcho } from "./wrong-echo.ts";
import { wrongSession } from "./wrong-session.ts";
import { wrongTicks } from "./wrong-ticks.ts";

const list = [
  appliedButRejected,
  audioGap,
  black,
  capacity,
  close,
  connectionLost,
  connectionReset,
  corrupt,
  corruptSignal,
  delay,
  doubleAck,
  drop,
  dropSocket,
  dtlsClosed,
  duplicate,
  earlyEnd,
  earlyGeneration,
  fpsDrop,
  freeze,
  halfOpen,
  httpStatus,
  iceNever,
  iceRestart,
  incompleteJoin,
  insufficientCredits,
  jitter,
  lateAck,
  lateUpdate,
  leave,
  malformedBody,
  missingAck,
  moderation,
  moderationEnd,
  negativeAck,
  neverApplied,
  noCandidates,
  noGeneration,
  noJoin,
  noKeyframes,
  noPong,
  nothing,
  noTrackPublished,
  noUpdate,
  packetLoss,
  pathChange,
  queueSilence,
  rateCap,
  refuseResume,
  refuseToken,
  refuseUpgrade,
  reorder,
  resize,
  serverError,
  sessionExpiry,
  ssrcChange,
  staleFrame,
  stall,
  stopSending,
  timestampJump,
  tokenExpired,
  tornSet,
  unsolicitedReady,
  validateError,
  withholdAnswer,
  wrongAnswerId,
  wrongEcho,
  wrongSession,
  wrongTicks,
] as const satisfies readonly { readonly name: string }[];

/** One of those that there are. */
export type FaultName = (typeof list)[number]["name"];

export const faults = list as unknown as readonly Fault[];
