/** What our servers hand out to `grpcurl` and friends: the files of `proto/`, as code generation described them. */
export { fileDescriptors as reflectionDescriptors } from "../../gen/descriptors.ts"
