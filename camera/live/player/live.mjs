// Shows a camera in a <video>: by WHEP (WebRTC), or by HLS where that gives no picture.
//
// A page that wants HLS to begin as fast as it can names hls.js in a <link rel="modulepreload">.

const player = './hls-1.7.4.light.min.mjs';
const still = 3000; // milliseconds after which a picture that does not move is no live picture any more
const behind = 0.5; // seconds that a picture may be older than it need be; what is less is made up by playing faster

// Problem is an answer of the server (application/problem+json): its code is for programs, its message for people.
export class Problem extends Error {
  constructor({code, detail}) {
    super(detail);
    this.code = code;
  }
}

// watch plays into a video element (muted, playsinline) and resolves once the first picture is shown, to
// {way: 'whep' or 'hls', stop()}. It rejects with a Problem if the server said why there is none, else with an Error.
//   whep, hls    addresses: where to post an offer, and the playlist; either may be left out
//   iceServers   STUN and TURN servers, as RTCPeerConnection takes them
//   patience     milliseconds after which WHEP is given up without a picture (HLS: twice as many)
//   ended        called once if the view ends without stop(): what is shown then is no live picture any more
export async function watch(video, {whep, hls, iceServers = [], patience = 4000, ended = () => {}}) {
  if (whep && globalThis.RTCPeerConnection) {
    try {
      return await attempt('whep', video, patience, ended, (signal, lost) => playWHEP(video, whep, iceServers, signal, lost));
    } catch (error) {
      if (!hls || error instanceof Problem && error.code !== 'use-hls') throw error;
    }
  }
  return attempt('hls', video, 2 * patience, ended, (signal, lost) => playHLS(video, hls, signal, lost));
}

// attempt plays one way up to its first picture. The signal is aborted when it is over, for whatever reason.
async function attempt(way, video, patience, ended, play) {
  const life = new AbortController();
  let shown = false, lost;
  const failed = new Promise((_, reject) => {
    lost = error => {
      if (life.signal.aborted) return;
      life.abort();
      if (shown) ended(); else reject(error);
    };
  });
  const late = setTimeout(() => lost(new Error('No picture came in time.')), patience);
  try {
    await Promise.race([failed, Promise.all([firstPicture(video), play(life.signal, lost)])]);
  } catch (error) {
    life.abort();
    throw error;
  } finally {
    clearTimeout(late);
  }
  shown = true;
  guard(video, life.signal, lost);
  return {way, stop: () => life.abort()};
}

function firstPicture(video) {
  return new Promise(resolve => {
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(resolve);
    else video.addEventListener('playing', resolve, {once: true});
  });
}

// guard ends a view whose picture stands still: the last one of a connection that broke looks like a live one.
function guard(video, signal, lost) {
  let frames = -1, moved = performance.now();
  const timer = setInterval(() => {
    const now = video.getVideoPlaybackQuality().totalVideoFrames;
    if (now !== frames || document.hidden) [frames, moved] = [now, performance.now()];
    else if (performance.now() - moved > still) lost(new Error('The picture stands still.'));
  }, 500);
  signal.addEventListener('abort', () => clearInterval(timer));
}

// playWHEP follows draft-ietf-wish-whep without trickle ICE: the server learns our candidates when we call on it.
async function playWHEP(video, address, iceServers, signal, lost) {
  const peer = new RTCPeerConnection({iceServers});
  let session = '';
  const leave = () => {
    peer.close();
    video.srcObject = null;
    if (session) fetch(session, {method: 'DELETE', keepalive: true}).catch(() => {});
  };
  signal.addEventListener('abort', leave);
  addEventListener('pagehide', leave, {signal});
  peer.addTransceiver('video', {direction: 'recvonly'});
  peer.ontrack = ({track, transceiver}) => {
    video.srcObject = new MediaStream([track]);
    video.play().catch(lost);
    const transport = transceiver.receiver.transport;
    transport.onstatechange = () => {
      if (['failed', 'closed'].includes(transport.state)) lost(new Error('The connection ended.'));
    };
  };
  peer.onconnectionstatechange = () => {
    if (peer.connectionState === 'failed') lost(new Error('The connection failed.'));
  };
  await peer.setLocalDescription();
  const answer = await fetch(address, {method: 'POST', headers: {'Content-Type': 'application/sdp'}, body: peer.localDescription.sdp, signal});
  const text = await answer.text();
  if (answer.status !== 201) throw problemOf(text) ?? new Error(`The server answered ${answer.status}.`);
  session = new URL(answer.headers.get('Location'), answer.url).href;
  if (signal.aborted) return leave();
  await peer.setRemoteDescription({type: 'answer', sdp: text});
}

// playHLS has hls.js play, and the browser itself where that can't: it lacks Media Source Extensions (older iPhones).
async function playHLS(video, address, signal, lost) {
  const {default: Hls} = await import(player);
  if (!Hls.isSupported()) return playAlone(video, address, signal, lost);
  const hls = new Hls({lowLatencyMode: true, backBufferLength: 8, liveSyncOnStallIncrease: 0.25, maxLiveSyncPlaybackRate: 1.5});
  const catchUp = () => { // a slow start, or a stall, would be seen late for as long as one looks
    if (hls.liveSyncPosition - video.currentTime > behind) video.currentTime = hls.liveSyncPosition;
  };
  video.addEventListener('playing', catchUp, {signal});
  signal.addEventListener('abort', () => hls.destroy());
  hls.on(Hls.Events.ERROR, (_, data) => {
    if (data.fatal) lost(problemOf(data.networkDetails?.responseText) ?? new Error(`The picture can't be played (${data.details}).`));
  });
  hls.loadSource(address);
  hls.attachMedia(video);
  video.play().catch(() => {}); // a source that is taken away is told by its own error
}

function playAlone(video, address, signal, lost) {
  video.src = address;
  video.addEventListener('error', () => lost(new Error("The picture can't be played.")), {signal});
  signal.addEventListener('abort', () => {
    video.removeAttribute('src');
    video.load();
  });
  video.play().catch(() => {}); // its error event tells
}

function problemOf(text) {
  try {
    const body = JSON.parse(text);
    return body.code && body.detail ? new Problem(body) : null;
  } catch {
    return null;
  }
}
