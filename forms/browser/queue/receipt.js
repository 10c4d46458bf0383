// Ids and the receipts people read out: domain/phone.py makes the same letters of the same id.
const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A UUIDv7: the phone's clock, then chance, so that ids sort as they were made. */
export function newId(now = Date.now()) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let place = 0; place < 6; place++) bytes[place] = Math.floor(now / 256 ** (5 - place)) % 256;
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = [...bytes].map((each) => each.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The receipt of an id, such as 7KQF-2M9D: Crockford's letters of its last 40 bits. */
export function receiptOf(id) {
  const hex = id.replaceAll("-", "").slice(-10);
  const letters = [hex.slice(0, 5), hex.slice(5)].map((half) => {
    const bits = Number.parseInt(half, 16);
    return [15, 10, 5, 0].map((shift) => LETTERS[(bits >> shift) & 31]).join("");
  });
  return letters.join("-");
}

/** The SHA-256 of bytes, as 64 hexadecimal digits. */
export async function sha256Of(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((each) => each.toString(16).padStart(2, "0")).join("");
}
