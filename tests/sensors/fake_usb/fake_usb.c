/* A bus with one Kinect v1 on it, in place of libusb: loaded before the real one into the process that runs libfreenect.
 *
 * libfreenect itself is the system's own and does not know. The file named by FAKE_USB_BUS is the camera: its numbers,
 * the pictures that it sends, what goes wrong on the cable, and what has happened so far; `bus.py` lays it out and the
 * test changes it while frames run. Time on the bus goes in microframes, in each of which a stream sends at most one
 * packet, as USB 2 does, and it waits for nobody: what comes while the program has no transfer ready is lost.
 *
 * Written from what libfreenect expects of the device (OpenKinect's protocol documentation) and from the public
 * interface of libusb 1.0; only what libfreenect 0.5 calls is there.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { ERROR_IO = -1, ERROR_ACCESS = -3, ERROR_NO_DEVICE = -4, ERROR_NOT_FOUND = -5, ERROR_BUSY = -6 };
enum { COMPLETED = 0, FAILED = 1, CANCELLED = 3, NO_DEVICE = 5 };
enum { VIDEO = 0, DEPTH = 1, STREAMS = 2 };

/* The first page of the bus file. `bus.py` names the same fields in the same order. */
struct bus {
	uint32_t plugged; /* 0: nothing on the bus; else a number that changes with every plugging in */
	uint32_t open_error, silent, stuck, frame_us;
	uint32_t lose, late, shorten, garble, fail; /* chances in 65536: of a packet, the last of a transfer */
	uint32_t unplug_after;                      /* packets; 0 never */
	uint32_t frames, first_tick, seed, mute_control;
	uint32_t opened, closed, packets, lost, delayed, shortened, garbled, failed, begun, in_flight;
	uint32_t spare[7];
	char serial[32];
	uint8_t registration[128], padding[8], shift[8], zero_plane[336];
	uint16_t registers[2048], cmos[512];
};
#define FRAMES_AT 8192
static const uint32_t PICTURE[STREAMS] = { 640 * 480, 640 * 480 * 11 / 8 };
static const uint32_t PAYLOAD[STREAMS] = { 1908, 1748 };
static const uint8_t FLAG[STREAMS] = { 0x80, 0x70 };
#define HEADER 12
#define MICROFRAMES 16 /* packets of a transfer */
#define FRAME_TICKS 2000000u

/* libusb's public structures. */
struct device_descriptor {
	uint8_t length, type;
	uint16_t usb;
	uint8_t class, subclass, protocol, packet_size;
	uint16_t vendor, product, device;
	uint8_t manufacturer, name, serial, configurations;
};
struct iso_packet { unsigned int length, actual_length; int status; };
struct handle { uint32_t plugged; int claim; };
struct transfer {
	struct handle *handle;
	uint8_t flags;
	unsigned char endpoint, type;
	unsigned int timeout;
	int status, length, actual_length;
	void (*callback)(struct transfer *);
	void *user_data;
	unsigned char *buffer;
	int num_iso_packets;
	struct iso_packet packets[];
};

struct stream {
	struct transfer *queue[64];
	int queued, running;
	uint32_t frame;  /* the running number of the picture that is being sent */
	uint32_t packet; /* of this picture */
	uint8_t sequence;
	uint8_t held[2048];
	int held_bytes;
};
static struct bus *bus;
static const char *bus_path;
static struct stream streams[STREAMS];
static struct transfer *cancelled[128];
static int cancelled_count;
static uint64_t microframe, began_us;
static uint32_t chance_state;
static uint8_t reply[512];
static int reply_bytes;

static int attach(void)
{
	if (bus)
		return 0;
	bus_path = getenv("FAKE_USB_BUS");
	int fd = bus_path ? open(bus_path, O_RDWR | O_CLOEXEC) : -1;
	struct stat about;
	if (fd < 0 || fstat(fd, &about))
		return ERROR_IO;
	void *memory = mmap(NULL, about.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory == MAP_FAILED)
		return ERROR_IO;
	bus = memory;
	chance_state = bus->seed;
	return 0;
}

static int happens(uint32_t of_65536)
{
	chance_state = chance_state * 1664525u + 1013904223u;
	return chance_state >> 16 < of_65536;
}

static uint64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int gone(struct handle *handle) { return bus->plugged == 0 || bus->plugged != handle->plugged; }

/* Life, enumeration and handles. */

int libusb_init(void **context)
{
	if (context)
		*context = &bus;
	return attach();
}
void libusb_exit(void *context) { (void)context; }
const char *libusb_error_name(int code) { return code == ERROR_BUSY ? "LIBUSB_ERROR_BUSY" : "LIBUSB_ERROR"; }

ssize_t libusb_get_device_list(void *context, void ***list)
{
	(void)context;
	*list = calloc(2, sizeof(void *));
	if (bus->plugged)
		(*list)[0] = bus;
	return bus->plugged ? 1 : 0;
}
void libusb_free_device_list(void **list, int unref) { (void)unref; free(list); }

int libusb_get_device_descriptor(void *device, struct device_descriptor *out)
{
	(void)device;
	*out = (struct device_descriptor){ sizeof(*out), 1, 0x200, 0, 0, 0, 64, 0x045e, 0x02ae, 267, 2, 1, 3, 1 };
	return 0;
}

int libusb_open(void *device, struct handle **out)
{
	(void)device;
	*out = NULL;
	if (bus->open_error)
		return -(int)bus->open_error;
	if (!bus->plugged)
		return ERROR_NO_DEVICE;
	*out = malloc(sizeof(**out));
	**out = (struct handle){ bus->plugged, -1 };
	bus->opened++;
	return 0;
}

int libusb_claim_interface(struct handle *handle, int interface)
{
	(void)interface;
	handle->claim = open(bus_path, O_RDWR | O_CLOEXEC);
	if (flock(handle->claim, LOCK_EX | LOCK_NB) == 0)
		return 0;
	close(handle->claim);
	handle->claim = -1;
	return ERROR_BUSY;
}

int libusb_release_interface(struct handle *handle, int interface)
{
	(void)interface;
	if (handle->claim >= 0)
		close(handle->claim);
	handle->claim = -1;
	return 0;
}

void libusb_close(struct handle *handle)
{
	libusb_release_interface(handle, 0);
	bus->closed++;
	free(handle);
}

void *libusb_get_device(struct handle *handle) { (void)handle; return bus; }
void *libusb_get_parent(void *device) { (void)device; return NULL; }
uint8_t libusb_get_bus_number(void *device) { (void)device; return 1; }
int libusb_get_max_iso_packet_size(void *device, unsigned char endpoint)
{
	(void)device;
	return endpoint == 0x81 || endpoint == 0x82 ? 1920 : ERROR_NOT_FOUND;
}
int libusb_kernel_driver_active(struct handle *handle, int interface) { (void)handle; (void)interface; return 0; }
int libusb_detach_kernel_driver(struct handle *handle, int interface) { (void)handle; (void)interface; return 0; }
int libusb_attach_kernel_driver(struct handle *handle, int interface) { (void)handle; (void)interface; return 0; }
int libusb_set_interface_alt_setting(struct handle *h, int interface, int setting)
{
	(void)h; (void)interface; (void)setting;
	return 0;
}
int libusb_reset_device(struct handle *handle) { (void)handle; return 0; }
int libusb_get_active_config_descriptor(void *device, void **config) { (void)device; (void)config; return ERROR_IO; }
void libusb_free_config_descriptor(void *config) { (void)config; }
int libusb_bulk_transfer(struct handle *h, unsigned char endpoint, unsigned char *data, int length, int *done, unsigned t)
{
	(void)h; (void)endpoint; (void)data; (void)length; (void)done; (void)t;
	return ERROR_IO;
}

int libusb_get_string_descriptor_ascii(struct handle *handle, uint8_t index, unsigned char *data, int length)
{
	if (gone(handle))
		return ERROR_NO_DEVICE;
	strncpy((char *)data, index == 3 ? bus->serial : "Kinect", length);
	return (int)strlen((char *)data);
}

/* Commands: a control transfer out with a header of four numbers, then one in that fetches the answer. */

static void start(int which, int running)
{
	struct stream *stream = &streams[which];
	if (running && !stream->running) /* It begins with the next whole picture. */
		stream->frame = UINT32_MAX, stream->sequence = 0, stream->held_bytes = 0;
	stream->running = running;
}

static int answer(const uint16_t *command, int words, uint8_t *out)
{
	uint16_t what = command[2], *values = (uint16_t *)out;
	const uint16_t *arguments = command + 4;
	memset(out, 0, 400);
	if (what == 0x03 && words >= 2) { /* write a register */
		if (arguments[0] < 2048)
			bus->registers[arguments[0]] = arguments[1];
		if (arguments[0] == 0x05)
			start(VIDEO, arguments[1] == 1);
		if (arguments[0] == 0x06)
			start(DEPTH, arguments[1] == 2);
		return 2;
	}
	if (what == 0x02) { /* read a register */
		values[1] = arguments[0] < 2048 ? bus->registers[arguments[0]] : 0;
		return 4;
	}
	if (what == 0x95 && words >= 3) { /* the colour sensor's own registers, written where the top bit is set */
		uint16_t number = arguments[1] & 511;
		if (arguments[1] & 0x8000)
			bus->cmos[number] = arguments[2];
		values[2] = bus->cmos[number];
		return 6;
	}
	if (what == 0x16) {
		const uint8_t *from = arguments[0] == 0x40 ? bus->registration : arguments[0] == 0x41 ? bus->padding : bus->shift;
		int bytes = arguments[0] == 0x40 ? 118 : arguments[0] == 0x41 ? 8 : 4;
		memcpy(out, from, bytes);
		return bytes;
	}
	if (what == 0x04) {
		memcpy(out, bus->zero_plane, 322);
		return 322;
	}
	return 2;
}

int libusb_control_transfer(struct handle *handle, uint8_t type, uint8_t request, uint16_t value, uint16_t index,
                            unsigned char *data, uint16_t length, unsigned int timeout)
{
	(void)request; (void)value; (void)index; (void)timeout;
	if (gone(handle))
		return ERROR_NO_DEVICE;
	if (type == 0x40) {
		uint16_t command[512];
		memcpy(command, data, length < sizeof(command) ? length : sizeof(command));
		reply_bytes = answer(command, command[1], reply + 8);
		uint16_t *head = (uint16_t *)reply;
		reply[0] = 0x52, reply[1] = 0x42;
		head[1] = reply_bytes / 2, head[2] = command[2], head[3] = command[3];
		reply_bytes += 8;
		return length;
	}
	if (bus->mute_control) { /* A camera that never answers: libfreenect asks again and again. */
		usleep(1000);
		return 0;
	}
	int bytes = reply_bytes < length ? reply_bytes : length;
	memcpy(data, reply, bytes);
	reply_bytes = 0;
	return bytes;
}

/* Isochronous transfers. */

struct transfer *libusb_alloc_transfer(int packets)
{
	return calloc(1, sizeof(struct transfer) + packets * sizeof(struct iso_packet));
}
void libusb_free_transfer(struct transfer *transfer) { free(transfer); }

int libusb_submit_transfer(struct transfer *transfer)
{
	if (gone(transfer->handle))
		return ERROR_NO_DEVICE;
	struct stream *stream = &streams[transfer->endpoint == 0x82 ? DEPTH : VIDEO];
	if (stream->queued == 64)
		return ERROR_IO;
	stream->queue[stream->queued++] = transfer;
	bus->in_flight++;
	return 0;
}

static struct transfer *taken(struct stream *stream, int at)
{
	struct transfer *transfer = stream->queue[at];
	memmove(stream->queue + at, stream->queue + at + 1, (--stream->queued - at) * sizeof(void *));
	bus->in_flight--;
	return transfer;
}

int libusb_cancel_transfer(struct transfer *transfer)
{
	for (int which = 0; which < STREAMS; which++)
		for (int at = 0; at < streams[which].queued; at++)
			if (streams[which].queue[at] == transfer) {
				cancelled[cancelled_count++] = taken(&streams[which], at);
				return 0;
			}
	return ERROR_NOT_FOUND;
}

static void complete(struct transfer *transfer, int status)
{
	transfer->status = status;
	transfer->callback(transfer);
}

/* The packet that a stream sends in this microframe, as the cable delivers it; its bytes, 0 for none. */
static int packet(int which, uint8_t *out)
{
	struct stream *stream = &streams[which];
	uint32_t count = (PICTURE[which] + PAYLOAD[which] - 1) / PAYLOAD[which];
	uint32_t frame = microframe * 3 / 800, offset = microframe - ((uint64_t)frame * 800 + 2) / 3;
	/* A picture of colour has fewer packets: they come in two of three microframes. */
	int turn = which == DEPTH || offset % 3 != 2;
	if (offset == 0) {
		stream->frame = frame, stream->packet = 0;
		bus->begun += which == DEPTH;
	}
	if (!stream->running || stream->frame != frame || stream->packet >= count || !turn) {
		int late = stream->running ? stream->held_bytes : 0;
		memcpy(out, stream->held, late);
		stream->held_bytes = 0;
		return late;
	}
	uint32_t at = stream->packet++, bytes = PICTURE[which] - at * PAYLOAD[which];
	if (bytes > PAYLOAD[which])
		bytes = PAYLOAD[which];
	const uint8_t *picture = (uint8_t *)bus + FRAMES_AT + (size_t)(frame % bus->frames) * (PICTURE[0] + PICTURE[1]) +
	                         (which == DEPTH ? PICTURE[VIDEO] : 0);
	uint32_t tick = bus->first_tick + frame * FRAME_TICKS + (which == VIDEO ? 9000 : 0);
	memset(out, 0, HEADER);
	out[0] = 'R', out[1] = 'B';
	out[3] = FLAG[which] | (at == 0 ? 1 : at == count - 1 ? 5 : 2);
	out[5] = stream->sequence++;
	memcpy(out + 8, &tick, 4);
	memcpy(out + HEADER, picture + at * PAYLOAD[which], bytes);
	bytes += HEADER;
	bus->packets++;
	if (bus->unplug_after && bus->packets >= bus->unplug_after)
		bus->plugged = 0, bus->unplug_after = 0;
	if (happens(bus->lose)) {
		bus->lost++;
		return 0;
	}
	if (happens(bus->shorten)) {
		bus->shortened++;
		return HEADER + (bytes - HEADER) / 3;
	}
	if (happens(bus->garble)) {
		bus->garbled++;
		out[0] = 0;
		return bytes;
	}
	if (!stream->held_bytes && happens(bus->late)) {
		bus->delayed++;
		memcpy(stream->held, out, bytes);
		stream->held_bytes = bytes;
		return 0;
	}
	return bytes;
}

/* Sixteen microframes: the oldest transfer of each stream is filled; a stream without one loses its packets, as both do
 * if nobody listens. */
static void step(int listening)
{
	struct transfer *filled[STREAMS];
	int status[STREAMS];
	uint8_t scrap[2048];
	for (int which = 0; which < STREAMS; which++) {
		struct stream *stream = &streams[which];
		filled[which] = listening && stream->queued ? taken(stream, 0) : NULL;
		status[which] = COMPLETED;
		if (filled[which] && stream->running && happens(bus->fail)) {
			status[which] = FAILED;
			bus->failed++;
		}
	}
	for (int at = 0; at < MICROFRAMES; at++, microframe++)
		for (int which = 0; which < STREAMS; which++) {
			struct transfer *transfer = filled[which];
			if (transfer && bus->plugged) {
				struct iso_packet *slot = &transfer->packets[at];
				slot->status = 0;
				slot->actual_length = packet(which, transfer->buffer + (size_t)at * slot->length);
				if (status[which] == FAILED && slot->actual_length)
					bus->lost++;
			} else if (bus->plugged && packet(which, scrap)) {
				bus->lost++;
			}
		}
	for (int which = 0; which < STREAMS; which++)
		if (filled[which])
			complete(filled[which], bus->plugged ? status[which] : NO_DEVICE);
}

int libusb_handle_events_timeout(void *context, struct timeval *limit)
{
	(void)context;
	uint64_t end = now_us() + (uint64_t)limit->tv_sec * 1000000 + limit->tv_usec;
	do {
		if (cancelled_count && !bus->stuck) {
			complete(cancelled[--cancelled_count], CANCELLED);
			return 0;
		}
		for (int which = 0; which < STREAMS; which++)
			if (streams[which].queued && gone(streams[which].queue[0]->handle)) {
				complete(taken(&streams[which], 0), NO_DEVICE);
				return 0;
			}
		if (began_us == 0)
			began_us = now_us();
		uint64_t now = (now_us() - began_us) * 800 / 3 / bus->frame_us; /* in microframes */
		while (now > microframe + 16 * MICROFRAMES)
			step(0);
		if ((streams[VIDEO].queued || streams[DEPTH].queued) && !bus->silent && now >= microframe + MICROFRAMES) {
			step(1);
			return 0;
		}
		usleep(200);
	} while (now_us() < end);
	return 0;
}

int libusb_handle_events(void *context)
{
	struct timeval limit = { 60, 0 };
	return libusb_handle_events_timeout(context, &limit);
}
