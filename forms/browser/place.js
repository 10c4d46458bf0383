// Where the phone is: asked for when the person says so, or already allowed it.

let last = null;

/** The position, at most two minutes old: {lat, lon, metres, at}; null when the phone does not know or may not say. */
export function locate({ patience = 15_000 } = {}) {
  if (!navigator.geolocation) return Promise.resolve(null);
  return new Promise((settled) =>
    navigator.geolocation.getCurrentPosition(
      ({ coords, timestamp }) => settled((last = { lat: round(coords.latitude), lon: round(coords.longitude), metres: Math.round(coords.accuracy), at: timestamp })),
      () => settled(null),
      { enableHighAccuracy: true, timeout: patience, maximumAge: 120_000 },
    ),
  );
}

/** The position if the person has allowed it before; never asks. */
export async function locateQuietly() {
  const allowed = await navigator.permissions?.query({ name: "geolocation" }).catch(() => null);
  return allowed?.state === "granted" ? locate() : null;
}

/** The last position, when it is not older than two minutes. */
export const lastPlace = () => (last && Date.now() - last.at < 120_000 ? last : null);

const round = (degrees) => Math.round(degrees * 1e6) / 1e6; // ten centimetres
