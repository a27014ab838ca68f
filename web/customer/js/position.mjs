// Fills a position into its field, for somebody who stands at the door.

for (const line of document.querySelectorAll('[data-locate]')) {
  if (!navigator.geolocation) continue;
  line.hidden = false;
  const said = line.querySelector('[role="status"]');
  line.querySelector('button').addEventListener('click', () => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const field = document.getElementById(line.dataset.locate);
        field.value = `${coords.latitude.toFixed(6)}, ${coords.longitude.toFixed(6)}`;
        said.textContent = line.dataset.found.replace('{n}', Math.round(coords.accuracy));
      },
      () => (said.textContent = line.dataset.denied),
      { enableHighAccuracy: true, timeout: 15000, maximumAge: 0 },
    );
  });
}
