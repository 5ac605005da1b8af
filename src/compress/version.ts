/** The version that files name as their maker: that of package.json, which no bundle should have to read. */
export const version = "0.1.0";
