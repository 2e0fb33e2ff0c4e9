/* no_descriptor - a shared object that has nothing to do with Tenon. */
__attribute__((visibility("default"))) extern const int answer;
const int answer = 42;
