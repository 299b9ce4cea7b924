/* The reference: accepts every packet of queue 1, as fast as a process can that answers one by one. */
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <sys/socket.h>

static int accept_one(struct nfq_q_handle *queue, struct nfgenmsg *message, struct nfq_data *data, void *unused)
{
    struct nfqnl_msg_packet_hdr *header = nfq_get_msg_packet_hdr(data);
    (void)message;
    (void)unused;
    return nfq_set_verdict(queue, header ? ntohl(header->packet_id) : 0, NF_ACCEPT, 0, NULL);
}

int main(void)
{
    static char buffer[65536] __attribute__((aligned(8)));
    struct nfq_handle *handle = nfq_open();
    struct nfq_q_handle *queue = handle ? nfq_create_queue(handle, 1, accept_one, NULL) : NULL;
    if (!queue || nfq_set_mode(queue, NFQNL_COPY_PACKET, 3584) < 0) {
        perror("queue 1");
        return 1;
    }
    nfq_set_queue_maxlen(queue, 4096);
    nfnl_rcvbufsiz(nfq_nfnlh(handle), 4 << 20);
    puts("ready");
    fflush(stdout);
    for (;;) {
        ssize_t size = recv(nfq_fd(handle), buffer, sizeof buffer, 0);
        if (size > 0)
            nfq_handle_packet(handle, buffer, size);
    }
}
