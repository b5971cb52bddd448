"""The matrix of peers: a module each, with a function `rows`."""
<<<<<<< HEAD
from . import fragments, gateways, pluto, probes, process, racoon, strongswan, strongswan_life

PEERS = (gateways, process, strongswan, strongswan_life, racoon, fragments, pluto, probes)
=======
from . import gateways, kernel, pluto, probes, process, racoon, strongswan, strongswan_life

PEERS = (gateways, process, kernel, strongswan, strongswan_life, racoon, pluto, probes)
>>>>>>> cdbb693 (gateway run --backend kernel: the SAs and crypto maps go to Linux's own ESP and AH by netlink XFRM)
