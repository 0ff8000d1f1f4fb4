/** Moves a video codec's payload types to the front of an SDP, so that an answerer who takes the first takes that one. */
export function preferCodec(sdp: string, codec: string): string {
  return sdp.replace(/^(m=video \S+ \S+) (.*)$/m, (_line, head: string, list: string) => {
    const types = list.trim().split(" ");
    const wanted = types.filter((type) => new RegExp(`^a=rtpmap:${type} ${codec}/`, "mi").test(sdp));
    return `${head} ${[...wanted, ...types.filter((type) => !wanted.includes(type))].join(" ")}`;
  });
}
