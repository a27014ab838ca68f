// Moments of a recording: a press goes there in the player. Without scripts each is a link to the film at that time.

document.addEventListener('click', (event) => {
  const link = event.target instanceof Element ? event.target.closest('[data-jump]') : null;
  const film = link && document.getElementById(link.dataset.jump);
  if (!film) return;
  event.preventDefault();
  film.currentTime = Number(link.dataset.at);
  film.play().catch(() => {});
});
