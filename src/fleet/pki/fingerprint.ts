/** Converts Node.js's fingerprint with colons to plain hexadecimal digits. */
export function plainFingerprint(text: string): string {
  return text.replaceAll(':', '').toLowerCase();
}
