// Package credentialstest says what every credentials.Sealer must do.
//
// [TestSealer] is one suite that each implementation runs in its own tests, on
// the real thing: Vault, or a key ring in a file. What an implementation cannot
// do, such as being unreachable when it is a file, it declares in its [Harness];
// an ability that is neither there nor declared missing fails the suite, so
// nothing is skipped without a word.
//
// It is imported by tests only.
package credentialstest
