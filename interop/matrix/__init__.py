"""The matrix of peers: a module each, with a function `rows`."""
from . import clear, forged, fragments, gateways, kernel, kills, pluto, probes, process, racoon, strongswan, strongswan_life

PEERS = (gateways, process, clear, forged, kills, kernel, strongswan, strongswan_life, racoon, fragments, pluto, probes)
