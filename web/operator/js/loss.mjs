// One tone when the link is lost, so that nobody watches a board that stands still. It needs a press before, as
// browsers ask; without one the bar and the grey say the same.

let sound = null;

function tone() {
  if (!sound || sound.state !== 'running') return;
  const at = sound.currentTime;
  for (const [i, hertz] of [660, 440].entries()) {
    const voice = sound.createOscillator();
    const volume = sound.createGain();
    voice.frequency.value = hertz;
    volume.gain.setValueAtTime(0.12, at + i * 0.25);
    volume.gain.exponentialRampToValueAtTime(0.001, at + i * 0.25 + 0.22);
    voice.connect(volume).connect(sound.destination);
    voice.start(at + i * 0.25);
    voice.stop(at + i * 0.25 + 0.24);
  }
}

export function toneOnLoss() {
  const wake = () => {
    sound ??= new AudioContext();
    sound.resume();
  };
  document.addEventListener('pointerup', wake, { once: true });
  document.addEventListener('keyup', wake, { once: true });
  let lost = false;
  new MutationObserver(() => {
    const now = document.documentElement.dataset.link === 'none';
    if (now && !lost) tone();
    lost = now;
  }).observe(document.documentElement, { attributes: true, attributeFilter: ['data-link'] });
}
