// What is heard, felt and seen at the screen's edge. A word always says the same: a phone may be muted.

let context;

// unlock lets the page sound, where a browser has sound; browsers want a tap before.
export function unlock() {
  if (!globalThis.AudioContext) return;
  context ??= new AudioContext();
  if (context.state === 'suspended') context.resume();
}

addEventListener('pointerup', unlock, { passive: true });
addEventListener('keyup', unlock, { passive: true });

const signals = {
  accepted: { notes: [660, 880], pulse: [60] },
  refused: { notes: [440, 294], pulse: [300, 120, 300] },
  alarm: { notes: [880, 660, 880], pulse: [300, 120, 300, 120, 300] },
};

function play(notes) {
  if (context?.state !== 'running') return;
  notes.forEach((frequency, i) => {
    const from = context.currentTime + i * 0.18, tone = context.createOscillator(), loud = context.createGain();
    tone.frequency.value = frequency;
    loud.gain.setValueAtTime(0, from);
    loud.gain.linearRampToValueAtTime(0.4, from + 0.02);
    loud.gain.linearRampToValueAtTime(0, from + 0.16);
    tone.connect(loud).connect(context.destination);
    tone.start(from);
    tone.stop(from + 0.17);
  });
}

let shown;

function edge(kind) {
  const root = document.documentElement;
  root.dataset.edge = kind;
  clearTimeout(shown);
  shown = setTimeout(() => { delete root.dataset.edge; }, 1000);
}

// signal gives one: "accepted", "refused" or "alarm".
export function signal(kind) {
  play(signals[kind].notes);
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(signals[kind].pulse);
  edge(kind);
}

let alarming;

// alarm repeats the alarm every ten seconds while it stands.
export function alarm(stands) {
  if (stands === (alarming !== undefined)) return;
  clearInterval(alarming);
  alarming = undefined;
  if (!stands) return;
  signal('alarm');
  alarming = setInterval(() => signal('alarm'), 10000);
}
