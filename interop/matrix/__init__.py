"""The matrix of peers: a module each, with a function `rows`."""
from . import clear, fragments, gateways, kernel, kills, pluto, probes, process, racoon, strongswan, strongswan_life

PEERS = (gateways, process, clear, kills, kernel, strongswan, strongswan_life, racoon, fragments, pluto, probes)
