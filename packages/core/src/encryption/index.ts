export { type AesGcmKeys, aesGcm } from "./aes-gcm.ts";
