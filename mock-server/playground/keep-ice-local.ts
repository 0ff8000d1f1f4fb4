/**
 * SDKs name a public STUN server in their code. The mock server is reached by host candidates alone, so connections made
 * after this call ask no ICE server, and nothing leaves for the vendor's neighbours either. The SDK's bytes stay as published.
 */
export function keepIceLocal(): void {
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(configuration: RTCConfiguration = {}) {
      super({ ...configuration, iceServers: [] });
    }
    override setConfiguration(configuration: RTCConfiguration = {}): void {
      super.setConfiguration({ ...configuration, iceServers: [] });
    }
  };
}
