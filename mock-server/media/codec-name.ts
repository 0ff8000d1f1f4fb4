/** The video codecs a session can speak. AV1 is offered by browsers and never chosen: no SDK asks for it. */
export const codecNames = ["vp8", "vp9", "h264"] as const;
export type CodecName = (typeof codecNames)[number];
/** `i420`: not coded at all, for pictures that somebody else decodes and encodes. No peer speaks it. */
export type PictureCodec = CodecName | "i420";
