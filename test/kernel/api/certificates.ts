/** Certificates of a CA made for a test. */

/**
 * Shell that makes `ca.pem` and `<name>.pem`, `<name>.key` of each name in the directory where it runs. Their names are 127.0.0.1 and
 * `<name>.example`.
 */
export function certificateScript(names: readonly string[]): string {
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
  return `openssl req -x509 ${key} -keyout ca.key -out ca.pem -subj /CN=ca -days 2
    for name in ${names.join(' ')}; do
      openssl req ${key} -keyout $name.key -out $name.csr -subj /CN=$name
      echo subjectAltName=IP:127.0.0.1,DNS:$name.example >$name.ext
      openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $name.pem -days 2 -extfile $name.ext
    done`;
}
