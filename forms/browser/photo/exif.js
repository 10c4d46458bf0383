// Our own camera says in the file when it took it, as any camera does: a picture drawn from a film has no data of its own.

const ZONE = "+08:00";
const EXIF_IFD = 26; // where the second directory begins, bytes from the start of the TIFF
const TIME = 56;
const OFFSET = 76;
const LENGTH = 83;

/** The JPEG with its time of taking (EXIF DateTimeOriginal and OffsetTimeOriginal, in our zone). */
export async function dated(blob, moment = new Date()) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return blob;
  const local = moment.toLocaleString("sv-SE", { timeZone: "Asia/Shanghai" }).slice(0, 19).replaceAll("-", ":");
  const segment = new Uint8Array(10 + LENGTH);
  segment.set([0xff, 0xe1, 0, 8 + LENGTH, ...ascii("Exif\0\0")]);
  const tiff = new DataView(segment.buffer, 10);
  const entry = (at, tag, type, count, value) => {
    tiff.setUint16(at, tag, true);
    tiff.setUint16(at + 2, type, true);
    tiff.setUint32(at + 4, count, true);
    tiff.setUint32(at + 8, value, true);
  };
  segment.set(ascii("II"), 10);
  tiff.setUint16(2, 42, true);
  tiff.setUint32(4, 8, true);
  tiff.setUint16(8, 1, true);
  entry(10, 0x8769, 4, 1, EXIF_IFD);
  tiff.setUint16(EXIF_IFD, 2, true);
  entry(EXIF_IFD + 2, 0x9003, 2, 20, TIME);
  entry(EXIF_IFD + 14, 0x9011, 2, 7, OFFSET);
  segment.set(ascii(`${local}\0`), 10 + TIME);
  segment.set(ascii(`${ZONE}\0`), 10 + OFFSET);
  return new Blob([bytes.subarray(0, 2), segment, bytes.subarray(2)], { type: blob.type });
}

const ascii = (text) => [...text].map((sign) => sign.charCodeAt(0));
