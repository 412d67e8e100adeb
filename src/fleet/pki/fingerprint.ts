/** Of a fingerprint as Node.js writes it, with colons: hexadecimal digits alone. */
export function plainFingerprint(text: string): string {
  return text.replaceAll(':', '').toLowerCase();
}
