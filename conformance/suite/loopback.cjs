// Has whatever this process listens at be on loopback: the suite's own servers would else be for everybody.
const { Server } = require("node:net");

const host = "127.0.0.1";
const { listen } = Server.prototype;
Server.prototype.listen = function (at, ...rest) {
  if (at !== null && typeof at === "object") {
    return listen.call(this, { ...at, host }, ...rest);
  }
  return listen.call(this, { port: at, host }, ...rest.filter((one) => typeof one === "function"));
};
