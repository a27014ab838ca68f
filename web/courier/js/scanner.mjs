// The camera as a scanner: each picture is read quickly, and each fifth one thoroughly.

const thorough = 5;

/** Picture size asked of the camera, and what is read of it at most. */
const width = 1280;
const height = 720;

/**
 * Scanner shows the camera in an element and calls found({ text, symbology }) for each code that it reads, again and
 * again while it is in sight. state is told of "starting", "scanning", "refused" (the browser gives no camera), "none"
 * (there is none, or it is in use) and "broken" (the reader did not load).
 */
export class Scanner {
  #found;
  #state;
  #video = document.createElement('video');
  #canvas = document.createElement('canvas');
  #worker;
  #stream;
  #reading = false;
  #count = 0;
  paused = false;

  constructor({ found, state }) {
    this.#found = found;
    this.#state = state;
    Object.assign(this.#video, { muted: true, playsInline: true, autoplay: true });
    this.#video.setAttribute('aria-hidden', 'true');
  }

  /** start opens the camera inside of holder. */
  async start(holder) {
    this.#state('starting');
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({
        audio: false, video: { facingMode: { ideal: 'environment' }, width: { ideal: width }, height: { ideal: height } },
      });
    } catch (error) {
      this.#state(error.name === 'NotAllowedError' || error.name === 'SecurityError' ? 'refused' : 'none');
      return;
    }
    holder.replaceChildren(this.#video);
    this.#video.srcObject = this.#stream;
    this.#stream.getVideoTracks()[0].addEventListener('ended', () => this.#state('none'));
    this.#read();
    await this.#video.play().catch(() => {});
  }

  stop() {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#video.srcObject = null;
    this.#video.remove();
  }

  /** hasTorch says whether the camera has a lamp, and torch switches it. */
  get hasTorch() {
    return Boolean(this.#track?.getCapabilities?.().torch);
  }

  torch(on) {
    return this.#track?.applyConstraints({ advanced: [{ torch: on }] });
  }

  get #track() {
    return this.#stream?.getVideoTracks()[0];
  }

  #read() {
    this.#worker = new Worker(new URL('./scan-worker.mjs', import.meta.url), { type: 'module' });
    this.#worker.addEventListener('message', ({ data }) => this.#heard(data));
    this.#worker.addEventListener('error', () => this.#state('broken'));
    this.#next();
  }

  #heard({ ready, failed, codes }) {
    if (failed) return this.#state('broken');
    if (ready) return this.#state('scanning');
    this.#reading = false;
    if (!this.paused) for (const code of codes) this.#found(code);
  }

  #next() {
    if (!this.#worker) return;
    const again = () => this.#next();
    if (this.#video.requestVideoFrameCallback) this.#video.requestVideoFrameCallback(again);
    else requestAnimationFrame(again);
    if (!this.#reading && !this.paused && this.#video.videoWidth > 0) this.#send();
  }

  #send() {
    this.#reading = true;
    const { videoWidth, videoHeight } = this.#video;
    const scale = Math.min(1, width / Math.max(videoWidth, videoHeight));
    const canvas = this.#canvas;
    canvas.width = Math.round(videoWidth * scale);
    canvas.height = Math.round(videoHeight * scale);
    const draw = canvas.getContext('2d', { willReadFrequently: true });
    draw.drawImage(this.#video, 0, 0, canvas.width, canvas.height);
    const picture = draw.getImageData(0, 0, canvas.width, canvas.height);
    const hard = ++this.#count % thorough === 0;
    this.#worker.postMessage({ picture, hard }, [picture.data.buffer]);
  }
}
